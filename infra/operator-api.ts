import { Duration, Stack } from 'aws-cdk-lib';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
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
  /** Every queue, by what it holds. */
  readonly queues: Readonly<Record<string, IQueue>>;
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
    const { server, secret, poller, delivery, queues, network } = props;
    this.operator = new ServiceFunction(this, 'Operator', {
      entry: 'functions/operator/operator.lambda.ts',
      description: 'Does what operators ask for',
      // A person waits, and CPU comes in proportion.
      memorySize: 512,
      // Whoever asks for a poll is to get its answer, and it may have to start first.
      timeout: poller.poll.timeout!.plus(Duration.seconds(20)),
      environment: {
        // What verifies a mailbox is one request after the other.
        ...serverVariables(server, 1),
        TRANSFERS_TABLE: poller.transfers.tableName,
        WEBHOOKS_TABLE: delivery.webhooks.tableName,
        DOORBELL_QUEUE_URL: delivery.doorbells.queue.queueUrl,
        POLL_INVOCATION_URL: poller.poll.invocationUrl,
        INSPECTED_QUEUES: Stack.of(this).toJsonString(
          Object.fromEntries(Object.entries(queues).map(([name, { queueUrl }]) => [name, queueUrl])),
        ),
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
    for (const queue of Object.values(queues)) queue.grant(this.operator, 'sqs:GetQueueAttributes');
    this.url = this.operator.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM }).url;
  }
}
