import { Aws, CfnOutput, Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { type Config, intervalOf, intervalsOf } from '#infra/config/config.ts';
import { usualConfigFile } from '#infra/config/usual-names.ts';
import type { Network } from '#infra/constructs/service-function.ts';
import { DeadLetterQueue } from '#infra/constructs/service-queue.ts';
import { ServiceTopic } from '#infra/constructs/service-topic.ts';
import { ConfigurationSync } from './configuration-sync.ts';
import { NoticeSubscriptions } from './notice-subscriptions.ts';
import { NotifierAlarms } from './notifier-alarms.ts';
import { dashboardUrl, NotifierDashboard } from './notifier-dashboard.ts';
import { NotifierSecret } from './notifier-secret.ts';
import { OperatorApi } from './operator-api.ts';
import { TransferPoller } from './transfer-poller.ts';
import { WebhookDelivery } from './webhook-delivery.ts';

interface NotifierStackProps extends StackProps {
  readonly config: Config;
  /**
   * Configuration file, for the command that fills the secret.
   *
   * @default `usualConfigFile`
   */
  readonly configFile?: string;
}

/**
 * Name for resources that are unique in an account across regions. Otherwise stacks of the same name in two regions
 * would take them from each other.
 */
const onlyName = `${Aws.STACK_NAME}-${Aws.REGION}`;

/** Whole system in one account and region. */
export class NotifierStack extends Stack {
  constructor(scope: Construct, id: string, props: NotifierStackProps) {
    super(scope, id, { description: 'Transfer Notifier: announces every change of confidential transfers', ...props });
    const { config, configFile = usualConfigFile } = props;
    const transferEvents = new ServiceTopic(this, 'TransferEvents', 'events');
    const transferNotices = new ServiceTopic(this, 'TransferNotices', 'notices');
    const secret = new NotifierSecret(this, 'NotifierSecret');
    // One day to investigate is enough: the next tick has made up for a missed one.
    const missedTicks = new DeadLetterQueue(this, 'MissedTicks', Duration.days(1));
    const network = this.network(config);
    const { notify } = config;
    const { topicArns } = new NoticeSubscriptions(this, 'NoticeSubscriptions', { notify, transferNotices });
    const shared = { config, secret, transferEvents, noticesTopicArns: topicArns, missedTicks, network };
    const poller = new TransferPoller(this, 'TransferPoller', shared);
    const delivery = new WebhookDelivery(this, 'WebhookDelivery', shared);
    const { declare } = new ConfigurationSync(this, 'ConfigurationSync', { ...shared, poller, delivery });
    const { announcements, wakeUps } = delivery;
    const undelivered = { Announcements: announcements.deadLetters, WakeUps: wakeUps.deadLetters };
    const deadLetters = { MissedTicks: missedTicks, ...undelivered };
    const queues = {
      Announcements: announcements.queue,
      WakeUps: wakeUps.queue,
      // The names are those of the alarms.
      ...Object.fromEntries(Object.entries(deadLetters).map(([what, queue]) => [`${what}DeadLetters`, queue])),
    };
    const api = new OperatorApi(this, 'OperatorApi', { ...shared, poller, delivery, queues });

    const functions = [poller.poll, delivery.fanOut, delivery.deliver, delivery.sweep, declare, api.operator];
    // npm run deploy -- -c dashboard=yes; an account has three dashboards for free, each further one is 3 USD a month.
    const url = this.node.tryGetContext('dashboard') === 'yes' ? dashboardUrl(onlyName) : undefined;
    // Watches that operators add to none have the general interval.
    const intervals = config.watches.length > 0 ? intervalsOf(config) : [intervalOf(config.schedule)];
    const { all } = new NotifierAlarms(this, 'Alarms', {
      shortestInterval: Duration.millis(Math.min(...intervals)),
      longestInterval: Duration.millis(Math.max(...intervals)),
      functions,
      missedTicks,
      deadLetters: undelivered,
      email: config.alarmEmail,
      dashboardUrl: url,
    });
    if (url) {
      new NotifierDashboard(this, 'Dashboard', {
        dashboardName: onlyName,
        alarms: all,
        poll: poller.poll,
        deliver: delivery.deliver,
        functions,
        deadLetters,
      });
    }

    this.output('TransferEventsTopicArn', transferEvents.topicArn, 'Subscribe systems to this topic');
    this.output(
      'TransferNoticesTopicArn',
      transferNotices.topicArn,
      'Readers by e-mail get their messages from here; the file names them',
    );
    this.output('SecretName', secret.secretName, 'Holds the credentials; see FillSecret');
    this.output(
      'FillSecret',
      `npm run notifier -- secret fill --secret ${secret.secretName} --declare ${declare.functionName}${configFile === usualConfigFile ? '' : ` --config ${configFile}`}`,
      'Run this next: it asks for what the secret must hold',
    );
    if (url) this.output('DashboardUrl', url, 'Is it working?');
    this.output('OperatorUrl', api.url, 'Operators ask here, signed for the service lambda');
    this.output('OperatorsPolicyArn', api.operators.managedPolicyArn, 'Attach this policy to the roles of operators');
  }

  private network({ vpc }: Config): Network | undefined {
    if (!vpc) return undefined;
    const imported = Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: vpc.id,
      availabilityZones: vpc.subnets.map((_, index) => `zone-${index}`),
      privateSubnetIds: vpc.subnets,
    });
    Validations.of(imported).acknowledge({
      id: 'Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId',
      reason: 'nothing here asks for the route tables of the subnets',
    });
    const securityGroup = new SecurityGroup(this, 'PollNetwork', {
      vpc: imported,
      description: 'Transfer Notifier: polls go out, nothing comes in',
      allowAllOutbound: true,
    });
    return { vpc: imported, securityGroup };
  }

  private output(id: string, value: string, description: string): void {
    new CfnOutput(this, id, { value, description });
  }
}
