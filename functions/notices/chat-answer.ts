import { jsonOf } from '#functions/parsing/json.ts';

/**
 * Slack's permanent errors: the webhook, its workspace or its channel is gone or forbidden.
 * https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
 * https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
 */
const slackGone =
  /^(?:no_service|no_service_id|no_team|team_disabled|no_active_hooks|invalid_token|channel_not_found|channel_is_archived|user_not_found|action_prohibited|posting_to_general_channel_denied)$/;

/** Slack's errors are a single word such as `invalid_payload`. */
const slackError = /^[a-z]+(?:_[a-z]+)+$/;

/**
 * Codes of a Power Automate workflow that was deleted or turned off, or whose address is no longer valid. Some have
 * status 400. https://learn.microsoft.com/en-us/power-automate/error-reference
 */
const workflowGone =
  /^(?:WorkflowNotFound|WorkflowTriggerNotFound|WorkflowTriggerIsNotEnabled|DirectApiAuthorizationRequired|InvalidSharedAccess\w*)$/;

/** Codes of a workflow for an unreadable message. */
const workflowRejected = /^(?:TriggerInputSchemaMismatch|InvalidRequestContent|RequestEntityTooLarge)$/;

/**
 * Interprets a chat's answer; undefined when the status is enough. `gone`: the chat accepts no message any more;
 * `rejected`: never this one. A filter or gateway in between uses the same statuses with its own page.
 *
 * @example chatRefusal('slack', 404, 'no_service'); // 'gone'
 */
export function chatRefusal(format: 'slack' | 'teams', status: number, answer: string) {
  if (status < 400 || status === 429 || status >= 500) return undefined;
  const code = format === 'slack' ? answer.trim() : workflowCode(answer);
  if ((format === 'slack' ? slackGone : workflowGone).test(code)) return 'gone';
  if (status !== 400 && status !== 413) return undefined;
  return (format === 'slack' ? slackError : workflowRejected).test(code) ? 'rejected' : undefined;
}

/** The code of `{"error":{"code":"WorkflowNotFound","message":"…"}}`; `''` for any other form. */
const workflowCode = (body: string): string =>
  String((jsonOf(body) as { error?: { code?: unknown } | null } | null | undefined)?.error?.code ?? '');
