import { type Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc } from 'aws-cdk-lib/aws-ec2';
import { Grant, type IGrantable, ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  Function as LambdaFunction,
  LoggingFormat,
  type RecursiveLoop,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { type BundledFiles, bundle, bundledHandler } from './bundle.ts';
import { metricNamespace } from './metrics.ts';

/** A network that a function is to reach. */
export interface Network {
  readonly vpc: IVpc;
  readonly securityGroup: ISecurityGroup;
}

/** How to build a {@link ServiceFunction}. */
export interface ServiceFunctionProps {
  /** Path of the `.lambda.ts` file. */
  readonly entry: string;
  /** One sentence for whoever looks at the function in the console. */
  readonly description: string;
  /** MB; CPU comes in proportion. */
  readonly memorySize: number;
  readonly timeout: Duration;
  readonly environment: Record<string, string>;
  /** Why no dead-letter queue of its own is needed for invocations that fail. */
  readonly lostInvocations: string;
  /**
   * Whether a function may send to what invokes it.
   *
   * @default - Lambda ends what looks like an endless loop
   */
  readonly recursiveLoop?: RecursiveLoop;
  /**
   * Files beside the bundle.
   *
   * @default none
   */
  readonly files?: BundledFiles;
  /**
   * A private network to be in.
   *
   * @default - the function is in none and reaches the internet
   */
  readonly network?: Network | undefined;
}

/** A function of the notifier. Runtime, bundling, logs and the rights to write them are decided here and nowhere else. */
export class ServiceFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    const { entry, environment, files, network, lostInvocations, ...rest } = props;
    // Logs hold facts about polls and deliveries, not what was delivered: a month is enough to look into anything.
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Instead of the managed policy, which allows to write any log of the account.
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    if (network) attachToNetwork(role);
    super(scope, id, {
      ...rest,
      environment: { METRIC_NAMESPACE: metricNamespace, ...environment },
      code: bundle(entry, files),
      handler: bundledHandler,
      runtime: Runtime.NODEJS_24_X,
      // A fifth cheaper than x86, and nothing here is compiled.
      architecture: Architecture.ARM_64,
      role,
      logGroup,
      // Only what is JSON has levels. Lambda's own three lines about each invocation cost more than what is told in it; that
      // one failed or timed out is still written, and metrics tell how long they take.
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.WARN,
      // Metrics are lines without a level, which count as this one.
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      ...(network && { vpc: network.vpc, securityGroups: [network.securityGroup] }),
    });
    Validations.of(this).acknowledge(
      { id: 'Serverless::Serverless-LambdaDLQ', reason: lostInvocations },
      {
        id: 'Serverless::Serverless-LambdaTracing',
        reason: 'a trace of each poll costs more than the poll, and one log line tells as much',
      },
    );
  }

  /** Where Lambda's API takes invocations of this function; requests have to be signed. */
  get invocationUrl(): string {
    const { region, urlSuffix } = Stack.of(this);
    return `https://lambda.${region}.${urlSuffix}/2015-03-31/functions/${this.functionName}/invocations`;
  }

  /** Lets somebody invoke this function as it is deployed: unlike {@link grantInvoke}, none of its versions and aliases. */
  grantInvokeDeployed(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['lambda:InvokeFunction'],
      resourceArns: [this.functionArn],
    });
  }
}

function attachToNetwork(role: Role): void {
  role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSLambdaENIManagementAccess'));
  Validations.of(role).acknowledge({
    id: 'AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaENIManagementAccess]',
    reason: 'Lambda manages network interfaces by this policy of AWS, whose actions know no single resource',
  });
}
