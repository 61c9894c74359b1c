import { describe, expect, it } from 'vitest';
import { chatRefusal } from '#functions/notices/chat-answer.ts';

const workflow = (code: string) => JSON.stringify({ error: { code, message: 'The workflow …' } });
const signInPage = '<html><title>Sign in</title>To reach hooks.slack.com or your workflow, sign in first.</html>';

const answers = (status: number, ...bodies: string[]) => bodies.map((body) => [body, status] as const);

describe('chatRefusal', () => {
  it.each([
    ...answers(400, 'no_service_id', 'user_not_found'),
    ...answers(403, 'invalid_token', 'action_prohibited', 'posting_to_general_channel_denied'),
    ...answers(404, 'no_service', 'no_team', 'team_disabled', 'channel_not_found', ' no_service\n'),
    ...answers(410, 'channel_is_archived'),
  ])('takes the answer %j of Slack with HTTP %i for the end of the webhook', (body, status) => {
    expect(chatRefusal('slack', status, body)).toBe('gone');
  });

  it.each([
    ...answers(400, 'invalid_payload', 'invalid_blocks', 'no_text', 'too_many_attachments'),
    ...answers(400, 'missing_text_or_fallback_or_attachments'),
    ...answers(413, 'msg_too_long'),
  ])('takes the answer %j of Slack with HTTP %i for a rejected message', (body, status) => {
    expect(chatRefusal('slack', status, body)).toBe('rejected');
  });

  it.each([
    ['no_service', 200],
    ['no_service', 302],
    ['invalid_payload', 404],
    ['rate_limited', 429],
    ['rollup_error', 500],
    ['no_service', 503],
    [workflow('WorkflowNotFound'), 404],
  ])('finds no refusal in the answer %j of Slack with HTTP %i', (body, status) => {
    expect(chatRefusal('slack', status, body)).toBeUndefined();
  });

  it.each([
    ['gone', 404, workflow('WorkflowNotFound')],
    ['gone', 404, workflow('WorkflowTriggerNotFound')],
    ['gone', 400, workflow('WorkflowTriggerIsNotEnabled')],
    ['gone', 401, workflow('DirectApiAuthorizationRequired')],
    ['gone', 401, workflow('InvalidSharedAccessSignature')],
    ['rejected', 400, workflow('TriggerInputSchemaMismatch')],
    ['rejected', 413, workflow('RequestEntityTooLarge')],
    [undefined, 202, ''],
    [undefined, 200, '1'],
    [undefined, 429, workflow('WorkflowNotFound')],
    [undefined, 502, workflow('WorkflowNotFound')],
    [undefined, 404, 'no_service'],
  ])('returns %s for HTTP %i of Teams with %s', (refusal, status, body) => {
    expect(chatRefusal('teams', status, body)).toBe(refusal);
  });

  it.each([
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
  ])('finds no refusal in the answer of a proxy before the chat: %s', (body) => {
    for (const format of ['slack', 'teams'] as const) {
      for (const status of [400, 401, 403, 404, 407, 410, 413, 451]) {
        expect(chatRefusal(format, status, body), `${format} ${status}`).toBeUndefined();
      }
    }
  });
});
