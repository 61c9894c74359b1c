import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc } from 'aws-cdk-lib/aws-ec2';
import { Grant, type IGrantable, ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  type FunctionProps,
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

export interface Network {
  readonly vpc: IVpc;
  readonly securityGroup: ISecurityGroup;
}

interface ServiceFunctionProps
  extends Required<Pick<FunctionProps, 'description' | 'memorySize' | 'timeout' | 'environment'>> {
  /** Path of the `.lambda.ts` file. */
  readonly entry: string;
  /** Reason why failed invocations need no dead-letter queue of their own. */
  readonly lostInvocations: string;
  /** Permission to send to the queue that invokes the function; by default, Lambda stops an apparent endless loop. */
  readonly recursiveLoop?: RecursiveLoop;
  /** @default none */
  readonly files?: BundledFiles;
  /** @default - none: the function reaches the internet */
  readonly network?: Network | undefined;
}

/** Function of the notifier, with its memory in MB. Only this class decides on runtime, bundling, logs and their rights. */
export class ServiceFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    const { entry, environment, files, network, lostInvocations, ...rest } = props;
    // Logs hold facts about polls and deliveries, not their contents: a month is enough to investigate.
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Replaces the managed policy, which would allow writing to any log of the account.
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    if (network) attachToNetwork(role);
    super(scope, id, {
      ...rest,
      environment: { METRIC_NAMESPACE: metricNamespace, ...environment },
      code: bundle(entry, files),
      handler: bundledHandler,
      runtime: Runtime.NODEJS_24_X,
      // A fifth cheaper than x86; the code has no native parts.
      architecture: Architecture.ARM_64,
      role,
      logGroup,
      // Only JSON logs have levels. WARN drops Lambda's three lines per invocation, which cost more than the function's
      // own. Lambda still logs failures and timeouts, and metrics have the durations.
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.WARN,
      // Lines with metrics have no level, and Lambda counts them as INFO.
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

  /** URL of Lambda's API that invokes this function; it accepts only signed requests. */
  get invocationUrl(): string {
    const { region, urlSuffix } = Stack.of(this);
    return `https://lambda.${region}.${urlSuffix}/2015-03-31/functions/${this.functionName}/invocations`;
  }

  /** Grants invoking the deployed function; unlike {@link grantInvoke}, not its versions and aliases. */
  grantInvokeDeployed(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({ grantee, actions: ['lambda:InvokeFunction'], resourceArns: [this.functionArn] });
  }
}

function attachToNetwork(role: Role): void {
  role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSLambdaENIManagementAccess'));
  Validations.of(role).acknowledge({
    id: 'AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaENIManagementAccess]',
    reason: 'Lambda manages network interfaces by this policy of AWS, whose actions know no single resource',
  });
}
