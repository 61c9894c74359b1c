import { SlackChannelConfiguration } from 'aws-cdk-lib/aws-chatbot';
import { Effect, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type ITopic, SubscriptionFilter } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Config } from '#infra/config/config.ts';
import { subscribeByEmail } from './email-subscription.ts';

interface NoticeSubscriptionsProps {
  readonly notify: Config['notify'];
  readonly transferNotices: ITopic;
  readonly name: string;
}

/** Sends notices to people: by e-mail, and to a Slack channel through Amazon Q Developer in chat applications. */
export class NoticeSubscriptions extends Construct {
  constructor(scope: Construct, id: string, { notify, transferNotices, name }: NoticeSubscriptionsProps) {
    super(scope, id);
    for (const { address, types } of notify.email) {
      subscribeByEmail(transferNotices, address, types && { types: typeFilter(types) });
    }
    if (!notify.slack) return;
    // Denies every action; otherwise members of the channel could have the service act on the account.
    const nothing = new ManagedPolicy(this, 'SlackGuardrail', {
      description: 'What a Slack channel may do in this account: nothing but read notices',
      statements: [new PolicyStatement({ effect: Effect.DENY, actions: ['*'], resources: ['*'] })],
    });
    new SlackChannelConfiguration(this, 'Slack', {
      slackChannelConfigurationName: name,
      slackWorkspaceId: notify.slack.workspaceId,
      slackChannelId: notify.slack.channelId,
      guardrailPolicies: [nothing],
      notificationTopics: [transferNotices],
    });
  }
}

/** Builds a filter on the attribute with the types of a notice's events; one match is enough. */
const typeFilter = (types: readonly string[]): SubscriptionFilter =>
  SubscriptionFilter.stringFilter({
    allowlist: types.filter((type) => !type.endsWith('*')),
    matchPrefixes: types.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1)),
  });
