import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { Grant, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { operations } from '#functions/operator/operations.ts';
import type { OperatorVariables } from '#infra/config/function-variables.ts';
import { taskFolder } from '#infra/constructs/bundle.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import manifest from '../../package.json' with { type: 'json' };
import { openApiDocument } from './openapi.ts';
import { type SharedResources, serverFiles, serverVariables, type TransferPoller } from './transfer-poller.ts';
import type { WebhookDelivery } from './webhook-delivery.ts';

const documentFile = 'openapi.json';

interface OperatorApiProps extends SharedResources {
  readonly poller: TransferPoller;
  readonly delivery: WebhookDelivery;
  readonly queues: Readonly<Record<string, IQueue>>;
}

/** HTTPS API for operators: one function behind a URL that IAM protects. */
export class OperatorApi extends Construct {
  readonly operator: ServiceFunction;
  readonly url: string;
  /** Rights of an operator; the stack attaches this policy to no role. */
  readonly operators: ManagedPolicy;

  constructor(scope: Construct, id: string, props: OperatorApiProps) {
    super(scope, id);
    const { config, secret, poller, delivery, queues, transferEvents, noticesTopicArns, network } = props;
    const { region, urlSuffix } = Stack.of(this);
    this.operator = new ServiceFunction(this, 'Operator', {
      entry: 'functions/operator/operator.lambda.ts',
      description: 'Does what operators ask for',
      // A person waits, and Lambda allots CPU in proportion.
      memorySize: 512,
      // An on-demand poll must be able to answer, a cold start included.
      timeout: poller.poll.timeout!.plus(Duration.seconds(20)),
      environment: {
        // Verification sends its requests one after the other.
        ...serverVariables(config.server, 1),
        ...poller.intervalVariables,
        TRANSFERS_TABLE: poller.transfers.tableName,
        ...delivery.variables,
        POLL_INVOCATION_URL: poller.poll.invocationUrl,
        SNS_URL: `https://sns.${region}.${urlSuffix}`,
        TRANSFER_EVENTS_TOPIC_ARN: transferEvents.topicArn,
        TRANSFER_NOTICES_TOPIC_ARN: noticesTopicArns.join(','),
        INSPECTED_QUEUES: Stack.of(this).toJsonString(
          Object.fromEntries(Object.entries(queues).map(([name, { queueUrl }]) => [name, queueUrl])),
        ),
        OPENAPI_FILE: `${taskFolder}/${documentFile}`,
        NOTIFIER_VERSION: manifest.version,
      } satisfies Partial<OperatorVariables>,
      // Generated here, as the generator would add a tenth to the bundle.
      files: { ...serverFiles(config.server), [documentFile]: JSON.stringify(openApiDocument(operations)) },
      network,
      lostInvocations: 'the caller gets the error at once, and tries again',
    });
    secret.grantVariables(this.operator);
    poller.grantOperate(this.operator);
    delivery.grantOperate(this.operator);
    for (const queue of Object.values(queues)) queue.grant(this.operator, 'sqs:GetQueueAttributes');
    Grant.addToPrincipal({
      grantee: this.operator,
      actions: ['sns:GetTopicAttributes'],
      resourceArns: [transferEvents.topicArn, ...noticesTopicArns],
    });
    this.url = this.operator.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM }).url;
    this.operators = this.policyFor(this.operator);
  }

  private policyFor({ functionArn }: ServiceFunction): ManagedPolicy {
    const { stackName } = Stack.of(this);
    // Any id, as a caller that asks by name does not know it.
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
        // A function URL requires both rights. Without the condition, an operator could invoke the function with a
        // forged event that names another caller.
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
