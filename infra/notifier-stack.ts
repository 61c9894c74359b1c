import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { Config } from './config.ts';
import { TransferPoller } from './transfer-poller.ts';

/** How to build a {@link NotifierStack}. */
export interface NotifierStackProps extends StackProps {
  readonly config: Config;
}

/** The whole system in one account and region. */
export class NotifierStack extends Stack {
  constructor(scope: Construct, id: string, props: NotifierStackProps) {
    super(scope, id, props);
    const transferEvents = new Topic(this, 'TransferEvents', { enforceSSL: true });
    const transferNotices = new Topic(this, 'TransferNotices', { enforceSSL: true });
    const poller = new TransferPoller(this, 'TransferPoller', {
      config: props.config,
      transferEvents,
      transferNotices,
    });
    new CfnOutput(this, 'TransferEventsTopicArn', { value: transferEvents.topicArn });
    new CfnOutput(this, 'TransferNoticesTopicArn', { value: transferNotices.topicArn });
    new CfnOutput(this, 'TransfersTableName', { value: poller.transfers.tableName });
    new CfnOutput(this, 'CredentialsSecretName', { value: poller.credentials.secretName });
  }
}
