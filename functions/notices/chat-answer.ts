import { jsonOf } from '#functions/parsing/json.ts';
import refusals from './chat-refusals.json' with { type: 'json' };

/**
 * Interprets a chat's answer; undefined when the status is enough. `gone`: the chat accepts no message any more;
 * `rejected`: never this one. A filter or gateway in between uses the same statuses with its own page.
 *
 * @example chatRefusal('slack', 404, 'no_service'); // 'gone'
 */
export function chatRefusal(format: 'slack' | 'teams', status: number, answer: string) {
  if (status < 400 || status === 429 || status >= 500) return undefined;
  // Workflows answer {"error":{"code":"WorkflowNotFound","message":"…"}}.
  const code = format === 'slack' ? answer.trim() : String(Object(Object(jsonOf(answer)).error).code ?? '');
  const { gone, rejected } = refusals[format];
  if (new RegExp(gone.codes).test(code)) return 'gone';
  if (status !== 400 && status !== 413) return undefined;
  return new RegExp(rejected.codes).test(code) ? 'rejected' : undefined;
}
