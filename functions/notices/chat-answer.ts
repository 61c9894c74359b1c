/**
 * What a chat's answer means beyond its status.
 * `gone`: it will never take a message again; `rejected`: it will never take this one; `failed`: it did not take it,
 * although the status says so.
 */
export type ChatRefusal = 'gone' | 'rejected' | 'failed';

/** Slack's final errors, https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors */
const slackGone =
  /\b(?:no_service|no_team|team_disabled|no_active_hooks|invalid_token|channel_not_found|channel_is_archived|action_prohibited|posting_to_general_channel_denied|user_not_found)\b/;
const slackRejected =
  /\b(?:invalid_payload|invalid_blocks|no_text|too_many_attachments|missing_text_or_fallback_or_attachments)\b/;

/** Errors of a Power Automate workflow that was deleted, turned off, or whose address no longer counts. */
const teamsGone =
  /WorkflowNotFound|WorkflowTriggerNotFound|WorkflowTriggerIsNotEnabled|DirectApiAuthorizationRequired|InvalidSharedAccess/;

/** Connectors of the old kind answer 200 and say in the text that Teams did not take the message. */
const connectorFailed = /delivery failed with error|returned HTTP error/i;

/** Tells what the answer of a chat means; undefined when its status says it all. */
export function chatRefusal(format: 'slack' | 'teams', status: number, body: string): ChatRefusal | undefined {
  if (format === 'slack') return slackRefusal(status, body);
  if (status === 404 || teamsGone.test(body)) return 'gone';
  if (status === 400 || status === 413) return 'rejected';
  return status < 300 && connectorFailed.test(body) ? 'failed' : undefined;
}

function slackRefusal(status: number, body: string): ChatRefusal | undefined {
  if (status < 400 || status === 429 || status >= 500) return undefined;
  if (slackGone.test(body) || status === 404 || status === 410) return 'gone';
  if (slackRejected.test(body) || status === 400) return 'rejected';
  return status === 403 ? 'gone' : undefined;
}
