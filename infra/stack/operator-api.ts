import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { OperatorVariables } from '#functions/lambda/environment.ts';
import { operations } from '#functions/operator/operations.ts';
import { taskFolder } from '#infra/constructs/bundle.ts';
import { type Network, ServiceFunction } from '#infra/constructs/service-function.ts';
import manifest from '../../package.json' with { type: 'json' };
import type { NotifierSecret } from './notifier-secret.ts';
import { openApiDocument } from './openapi.ts';
import { type ServerSettings, serverFiles, serverVariables, type TransferPoller } from './transfer-poller.ts';
import type { WebhookDelivery } from './webhook-delivery.ts';

/** Name of the file with the OpenAPI document, beside the function's bundle. */
const documentFile = 'openapi.json';

/** How to build an {@link OperatorApi}. */
export interface OperatorApiProps {
  readonly server: ServerSettings;
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
  /** What people need to be operators; attached to none here. */
  readonly operators: ManagedPolicy;

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
        ...poller.quietVariables,
        TRANSFERS_TABLE: poller.transfers.tableName,
        WEBHOOKS_TABLE: delivery.webhooks.tableName,
        WAKE_UP_QUEUE_URL: delivery.wakeUps.queue.queueUrl,
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
    this.operators = this.policyFor(this.operator);
  }

  private policyFor({ functionArn }: ServiceFunction): ManagedPolicy {
    const { stackName } = Stack.of(this);
    // By any id: one that asks by name does not know it.
    const thisStack = Stack.of(this).formatArn({
      service: 'cloudformation',
      resource: 'stack',
      resourceName: `${stackName}/*`,
    });
    const policy = new ManagedPolicy(this, 'Operators', {
      description: `Operate the Transfer Notifier ${stackName} through its operator API`,
      statements: [
        new PolicyStatement({ actions: ['cloudformation:DescribeStacks'], resources: [thisStack] }),
        new PolicyStatement({ actions: ['lambda:InvokeFunctionUrl'], resources: [functionArn] }),
        // A function URL asks for both rights. Without the condition, this one would let an operator invoke the function
        // with an event made up, in which any name can stand as the one that asks.
        new PolicyStatement({
          actions: ['lambda:InvokeFunction'],
          resources: [functionArn],
          conditions: { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } },
        }),
      ],
    });
    Validations.of(policy).acknowledge({
      id: `AwsSolutions::AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack/${stackName}/*]`,
      reason: 'the wildcard stands for the id of this one stack',
    });
    return policy;
  }
}
