import { describe, expect, test } from 'vitest';
import { type ChatRefusal, chatRefusal } from '#functions/notices/chat-answer.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly refusal: ChatRefusal | undefined;
}

test.each<Answer>([
  { status: 200, body: 'ok', refusal: undefined },
  { status: 200, body: 'no_service', refusal: undefined },
  { status: 404, body: 'no_service', refusal: 'gone' },
  { status: 400, body: 'no_service_id', refusal: 'gone' },
  { status: 404, body: 'no_team', refusal: 'gone' },
  { status: 404, body: 'team_disabled', refusal: 'gone' },
  { status: 403, body: 'invalid_token', refusal: 'gone' },
  { status: 404, body: 'channel_not_found', refusal: 'gone' },
  { status: 410, body: 'channel_is_archived', refusal: 'gone' },
  { status: 400, body: 'user_not_found', refusal: 'gone' },
  { status: 403, body: 'action_prohibited', refusal: 'gone' },
  { status: 403, body: 'posting_to_general_channel_denied', refusal: 'gone' },
  { status: 404, body: ' no_service\n', refusal: 'gone' },
  { status: 400, body: 'invalid_payload', refusal: 'rejected' },
  { status: 400, body: 'invalid_blocks', refusal: 'rejected' },
  { status: 400, body: 'no_text', refusal: 'rejected' },
  { status: 400, body: 'too_many_attachments', refusal: 'rejected' },
  { status: 400, body: 'missing_text_or_fallback_or_attachments', refusal: 'rejected' },
  { status: 413, body: 'msg_too_long', refusal: 'rejected' },
  { status: 302, body: 'no_service', refusal: undefined },
  { status: 408, body: '', refusal: undefined },
  { status: 429, body: 'rate_limited', refusal: undefined },
  { status: 500, body: 'rollup_error', refusal: undefined },
  { status: 503, body: 'no_service', refusal: undefined },
])('Slack answers $status "$body": $refusal', ({ status, body, refusal }) => {
  expect(chatRefusal('slack', status, body)).toBe(refusal);
});

const workflow = (code: string) => JSON.stringify({ error: { code, message: 'The workflow …' } });
const connector = (cause: string) => `Webhook message delivery failed with error: ${cause}`;

test.each<Answer>([
  { status: 202, body: '', refusal: undefined },
  { status: 200, body: '1', refusal: undefined },
  {
    status: 200,
    body: connector('Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=0'),
    refusal: 'failed',
  },
  { status: 200, body: connector('Error contacting Microsoft Teams endpoint'), refusal: 'failed' },
  { status: 404, body: workflow('WorkflowNotFound'), refusal: 'gone' },
  { status: 404, body: workflow('WorkflowTriggerNotFound'), refusal: 'gone' },
  { status: 400, body: workflow('WorkflowTriggerIsNotEnabled'), refusal: 'gone' },
  { status: 401, body: workflow('DirectApiAuthorizationRequired'), refusal: 'gone' },
  { status: 401, body: workflow('InvalidSharedAccessSignature'), refusal: 'gone' },
  { status: 400, body: workflow('TriggerInputSchemaMismatch'), refusal: 'rejected' },
  { status: 400, body: 'Bad payload received by generic incoming webhook.', refusal: 'rejected' },
  { status: 413, body: workflow('RequestEntityTooLarge'), refusal: 'rejected' },
  { status: 408, body: '', refusal: undefined },
  { status: 429, body: workflow('WorkflowNotFound'), refusal: undefined },
  { status: 502, body: workflow('WorkflowNotFound'), refusal: undefined },
])('Teams answers $status $body: $refusal', ({ status, body, refusal }) => {
  expect(chatRefusal('teams', status, body)).toBe(refusal);
});

const signInPage = '<html><title>Sign in</title>To reach hooks.slack.com or your workflow, sign in first.</html>';

describe.each(['slack', 'teams'] as const)('what stands between here and %s ends nothing', (format) => {
  test.each(
    [400, 401, 403, 404, 407, 410, 413, 451].flatMap((status) =>
      [
        '',
        signInPage,
        '<html>404 Not Found: no_service, WorkflowNotFound</html>',
        'The requested URL was rejected. action_prohibited by your administrator.',
        'Forbidden',
        '{"error":"invalid_token","error_description":"the token of the proxy has expired"}',
        '{"error":{"code":"Unauthorized"}}',
        '{"error":{"code":"Forbidden","message":"WorkflowNotFound"}}',
        '{"error":{"code":"AuthorizationFailed"}}',
        '{"statusCode":404,"message":"Resource not found"}',
        '{"error":null}',
        'null',
      ].map((body) => ({ status, body })),
    ),
  )('with $status and $body', ({ status, body }) => {
    expect(chatRefusal(format, status, body)).toBeUndefined();
  });
});

test('the words of one chat are not those of the other', () => {
  expect(chatRefusal('slack', 404, workflow('WorkflowNotFound'))).toBeUndefined();
  expect(chatRefusal('teams', 404, 'no_service')).toBeUndefined();
});
