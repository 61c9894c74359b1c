import { longTimeoutMs, path } from '#infra/cli/api/client.ts';
import type { Replayed } from '#infra/cli/api/resources.ts';
import { timeAt } from '#infra/cli/terminal/arguments.ts';
import type { Fields } from '#infra/console/changes/change.ts';
import { inputChange } from '#infra/console/changes/input-change.ts';
import { hiddenFields, type WrongInput } from '#infra/console/changes/input-form.ts';
import { outcomeAddress } from '#infra/console/changes/outcome.ts';
import { textField } from '#infra/console/html/forms.ts';
import { html } from '#infra/console/html/html.ts';
import type { PageRequest } from '#infra/console/html/page.ts';
import { endpointAddress, readEndpoint, sectionOf } from './endpoint-words.ts';

/** Events of a time to send again; ISO 8601 times. */
interface Replay {
  readonly name: string;
  readonly from: string;
  readonly until: string;
  /** Where an earlier part ended. */
  readonly cursor?: string | undefined;
}

/** Texts that a browser offers, as the command line takes them. */
const suggestions = ['1h', '24h', '3d', '7d'];

/** Sends events again. A dry run counts them first. */
export const endpointReplay = inputChange<Replay>({
  path: '/endpoint/replay',
  section: 'webhooks',
  title: ({ words: { say } }, { name = '' }) => `${say('endpoint.replay')}: ${name}`,
  form: ({ words: { say } }, { name = '', from = '24h', until }) =>
    html`${hiddenFields({ name })}<p>${say('endpoint.replay.times')}</p>
${textField({ name: 'from', label: say('endpoint.replay.from'), value: from, isRequired: true }, suggestions)}
${textField({ name: 'until', label: say('endpoint.replay.until'), value: until }, suggestions)}`,
  read,
  fixed: ({ from, until }) => ({ from, until }),
  async ask(request, replay) {
    const { say, time } = request.words;
    const { from, until } = replay;
    const endpoint = await readEndpoint(request);
    const { name } = endpoint;
    const { count, isComplete } = await replayed(request, replay, true);
    return {
      title: `${say('endpoint.replay')}: ${name}`,
      section: sectionOf(endpoint),
      question: say(isComplete ? 'endpoint.question.replay' : 'endpoint.replay.question.more', {
        ...{ name, count, from: time(from), until: time(until) },
      }),
      command: `endpoint replay ${name} --from ${from} --until ${until}`,
      label: say('endpoint.replay'),
      back: endpointAddress(name),
    };
  },
  async run(request, replay) {
    const { name, from, until } = replay;
    const { count, next } = await replayed(request, replay, false);
    if (next === undefined) return outcomeAddress(request, endpointAddress(name), 'endpoint.done.replay', { count });
    const query = new URLSearchParams({ name, from, until, cursor: next, ask: '1' });
    return outcomeAddress(request, `/endpoint/replay?${query}`, 'endpoint.released.part', { count });
  },
});

function read({ now }: PageRequest, { name = '', from, until, cursor }: Fields): Replay | WrongInput {
  const time = timeAt(now);
  try {
    const replay = {
      name,
      from: time(from?.trim() ?? ''),
      until: until?.trim() ? time(until.trim()) : now().toISOString(),
    };
    return replay.from < replay.until ? { ...replay, cursor } : { wrong: 'endpoint.replay.order' };
  } catch {
    return { wrong: 'endpoint.replay.no-time' };
  }
}

function replayed({ api }: PageRequest, { name, ...body }: Replay, dryRun: boolean): Promise<Replayed> {
  const address = path`/endpoints/${name}/replay`;
  return api.send({
    method: 'POST',
    path: address,
    body: { ...body, dryRun: dryRun || undefined },
    timeoutMs: longTimeoutMs,
  });
}
