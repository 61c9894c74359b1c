/**
 * What a chat's answer means beyond its status.
 * `gone`: it will never take a message again; `rejected`: it will never take this one; `failed`: it did not take it,
 * although the status says so.
 */
export type ChatRefusal = 'gone' | 'rejected' | 'failed';

/**
 * Slack's errors by which nothing will ever come through: the webhook, its workspace or channel is gone or forbidden.
 * https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
 * https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
 */
const slackGone =
  /\b(?:no_service|no_service_id|no_team|team_disabled|no_active_hooks|invalid_token|channel_not_found|channel_is_archived|user_not_found|action_prohibited|posting_to_general_channel_denied)\b/;

/** Statuses with which the chats say the same. */
const slackGoneStatuses: ReadonlySet<number> = new Set([403, 404, 410]);
const teamsGoneStatuses: ReadonlySet<number> = new Set([401, 403, 404, 410]);

/**
 * Codes of a Power Automate workflow that was deleted or turned off, or whose address no longer counts; some come with
 * status 400. https://learn.microsoft.com/en-us/power-automate/error-reference
 */
const workflowGone =
  /\b(?:WorkflowNotFound|WorkflowTriggerNotFound|WorkflowTriggerIsNotEnabled|DirectApiAuthorizationRequired|InvalidSharedAccess\w*)\b/;

/**
 * Connectors of the old kind answer 200 and say in the text that Teams did not take the message.
 * https://github.com/MicrosoftDocs/msteams-docs/issues/7425
 */
const connectorFailed = /delivery failed with error|returned HTTP error/i;

/** Tells what the answer of a chat means; undefined when its status says it all. */
export function chatRefusal(format: 'slack' | 'teams', status: number, body: string): ChatRefusal | undefined {
  if (status < 300) return format === 'teams' && connectorFailed.test(body) ? 'failed' : undefined;
  if (status < 400 || status === 429 || status >= 500) return undefined;
  const [gone, statuses] = format === 'slack' ? [slackGone, slackGoneStatuses] : [workflowGone, teamsGoneStatuses];
  if (statuses.has(status) || gone.test(body)) return 'gone';
  return status === 400 || status === 413 ? 'rejected' : undefined;
}
