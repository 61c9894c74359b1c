import { jsonOf } from '#functions/parsing/json.ts';

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
const slackGone: ReadonlySet<string> = new Set([
  'no_service',
  'no_service_id',
  'no_team',
  'team_disabled',
  'no_active_hooks',
  'invalid_token',
  'channel_not_found',
  'channel_is_archived',
  'user_not_found',
  'action_prohibited',
  'posting_to_general_channel_denied',
]);

/** The form of Slack's errors: one word such as `invalid_payload`, and nothing beside it. */
const slackError = /^[a-z]+(?:_[a-z]+)+$/;

/**
 * Codes of a Power Automate workflow that was deleted or turned off, or whose address no longer counts; some come with
 * status 400. https://learn.microsoft.com/en-us/power-automate/error-reference
 */
const workflowGone =
  /^(?:WorkflowNotFound|WorkflowTriggerNotFound|WorkflowTriggerIsNotEnabled|DirectApiAuthorizationRequired|InvalidSharedAccess\w*)$/;

/** Codes of a workflow for a message that it cannot read, and the words that older connectors have for it. */
const workflowRejected = /^(?:TriggerInputSchemaMismatch|InvalidRequestContent|RequestEntityTooLarge)$/;
const connectorRejected = /^(?:Bad payload received by generic incoming webhook|Summary or Text is required)\.?$/;

/**
 * Connectors of the old kind answer 200 and say in the text that Teams did not take the message.
 * https://github.com/MicrosoftDocs/msteams-docs/issues/7425
 */
const connectorFailed = /delivery failed with error|returned HTTP error/i;

/**
 * Tells what the answer of a chat means; undefined when its status says it all. Only the chat's own words end anything:
 * a filter or a gateway on the way answers with the same statuses, and with a page of its own.
 */
export function chatRefusal(format: 'slack' | 'teams', status: number, answer: string): ChatRefusal | undefined {
  if (status < 300) return format === 'teams' && connectorFailed.test(answer) ? 'failed' : undefined;
  if (status < 400 || status === 429 || status >= 500) return undefined;
  const body = answer.trim();
  const code = format === 'slack' ? body : workflowCode(body);
  if (format === 'slack' ? slackGone.has(code) : workflowGone.test(code)) return 'gone';
  if (status !== 400 && status !== 413) return undefined;
  const isRejected =
    format === 'slack' ? slackError.test(body) : workflowRejected.test(code) || connectorRejected.test(body);
  return isRejected ? 'rejected' : undefined;
}

/** The code of `{"error":{"code":"WorkflowNotFound","message":"…"}}`; empty when the answer has another form. */
const workflowCode = (body: string): string =>
  String((jsonOf(body) as { error?: { code?: unknown } | null } | null | undefined)?.error?.code ?? '');
