import { SlackChannelConfiguration } from 'aws-cdk-lib/aws-chatbot';
import { Effect, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type ITopic, SubscriptionFilter } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Config } from '#infra/config/config.ts';
import { subscribeByEmail } from './email-subscription.ts';

/** How to build {@link NoticeSubscriptions}. */
export interface NoticeSubscriptionsProps {
  readonly notify: Config['notify'];
  readonly transferNotices: ITopic;
  /** Name of the channel's configuration, which has to be the account's only one. */
  readonly name: string;
}

/** Takes notices to people: by e-mail, and to a Slack channel through Amazon Q Developer in chat applications. */
export class NoticeSubscriptions extends Construct {
  constructor(scope: Construct, id: string, { notify, transferNotices, name }: NoticeSubscriptionsProps) {
    super(scope, id);
    for (const { address, types } of notify.email) {
      subscribeByEmail(transferNotices, address, types && { types: typeFilter(types) });
    }
    if (!notify.slack) return;
    // Members of the channel could otherwise have the service act on the account; it is only to pass notices on.
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

/** A notice has the types of all its events as an attribute; one that matches is enough. */
const typeFilter = (types: readonly string[]): SubscriptionFilter =>
  SubscriptionFilter.stringFilter({
    allowlist: types.filter((type) => !type.endsWith('*')),
    matchPrefixes: types.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1)),
  });
