import { path } from '#infra/cli/api/client.ts';
import { inputChange } from '#infra/console/changes/input-change.ts';
import { hiddenFields } from '#infra/console/changes/input-form.ts';
import { outcomeAddress } from '#infra/console/changes/outcome.ts';
import { shellWord } from '#infra/console/html/elements.ts';
import { textField } from '#infra/console/html/forms.ts';
import { html } from '#infra/console/html/html.ts';
import { endpointAddress, readEndpoint, sectionOf } from './endpoint-words.ts';

/** Longest reason, in characters, as the operator API takes it. */
const longestReason = 500;

/** Disables an endpoint, with a reason for other operators. */
export const endpointDisable = inputChange<{ readonly name: string; readonly because?: string | undefined }>({
  path: '/endpoint/disable',
  section: 'webhooks',
  title: ({ words: { say } }, { name = '' }) => `${say('endpoint.disable')}: ${name}`,
  form: ({ words: { say } }, { name = '', because }) =>
    html`${hiddenFields({ name })}${textField({ name: 'because', label: say('endpoint.disable.because'), value: because })}`,
  read(_request, { name = '', because = '' }) {
    const reason = because.trim();
    if (reason.length > longestReason) return { wrong: 'endpoint.disable.too-long' };
    return { name, because: reason || undefined };
  },
  async ask(request, { name, because }) {
    const { say } = request.words;
    const reason = because === undefined ? '' : ` --because ${shellWord(because)}`;
    return {
      title: `${say('endpoint.disable')}: ${name}`,
      section: sectionOf(await readEndpoint(request)),
      question: say('endpoint.question.disable', { name }),
      command: `endpoint disable ${name}${reason}`,
      label: say('endpoint.disable'),
      back: endpointAddress(name),
    };
  },
  async run(request, { name, because }) {
    await request.api.send({ method: 'POST', path: path`/endpoints/${name}/disable`, body: { because } });
    return outcomeAddress(request, endpointAddress(name), 'endpoint.done.disable', { name });
  },
});
