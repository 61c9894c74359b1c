import { Duration } from 'aws-cdk-lib';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { OperatorVariables } from '../functions/env.ts';
import { operations } from '../functions/operator/operations.ts';
import manifest from '../package.json' with { type: 'json' };
import { taskFolder } from './bundle.ts';
import type { NotifierSecret } from './notifier-secret.ts';
import { openApiDocument } from './openapi.ts';
import { type Network, ServiceFunction } from './service-function.ts';
import { type ServerAccess, serverFiles, serverVariables, type TransferPoller } from './transfer-poller.ts';
import type { WebhookDelivery } from './webhook-delivery.ts';

/** Name of the file with the OpenAPI document, beside the function's bundle. */
const documentFile = 'openapi.json';

/** How to build an {@link OperatorApi}. */
export interface OperatorApiProps {
  readonly server: ServerAccess;
  readonly secret: NotifierSecret;
  readonly poller: TransferPoller;
  readonly delivery: WebhookDelivery;
  /** A poll that an operator asks for publishes what it finds. */
  readonly transferEvents: ITopic;
  readonly transferNotices: ITopic;
  /**
   * The private network of the server.
   *
   * @default - the server is on the internet
   */
  readonly network: Network | undefined;
}

/** What operators reach over HTTPS: one function behind a URL that lets in whom IAM allows to invoke it. */
export class OperatorApi extends Construct {
  readonly operator: ServiceFunction;
  readonly url: string;

  constructor(scope: Construct, id: string, props: OperatorApiProps) {
    super(scope, id);
    const { server, secret, poller, delivery, transferEvents, transferNotices, network } = props;
    this.operator = new ServiceFunction(this, 'Operator', {
      entry: 'functions/operator/operator.lambda.ts',
      description: 'Does what operators ask for',
      // A poll that is asked for is like any other.
      memorySize: 512,
      timeout: Duration.minutes(2),
      environment: {
        ...serverVariables(server),
        TRANSFERS_TABLE: poller.transfers.tableName,
        TRANSFER_EVENTS_TOPIC_ARN: transferEvents.topicArn,
        TRANSFER_NOTICES_TOPIC_ARN: transferNotices.topicArn,
        WEBHOOKS_TABLE: delivery.webhooks.tableName,
        DOORBELL_QUEUE_URL: delivery.doorbells.queue.queueUrl,
        OPENAPI_FILE: `${taskFolder}/${documentFile}`,
        NOTIFIER_VERSION: manifest.version,
      } satisfies Partial<OperatorVariables>,
      // Made here, for what makes it of the schemas is a tenth of a bundle.
      files: { ...serverFiles(server), [documentFile]: { text: JSON.stringify(openApiDocument(operations)) } },
      network,
      lostInvocations: 'whoever asks gets the answer at once, and asks again',
    });
    secret.grantVariables(this.operator);
    poller.grantOperate(this.operator);
    delivery.grantOperate(this.operator);
    transferEvents.grantPublish(this.operator);
    transferNotices.grantPublish(this.operator);
    this.url = this.operator.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM }).url;
  }
}
