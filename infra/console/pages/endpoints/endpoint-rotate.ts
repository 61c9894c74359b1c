import { path } from '#infra/cli/api/client.ts';
import type { EndpointWithSecret } from '#infra/cli/api/resources.ts';
import { hiddenFields, inputChange } from '#infra/console/changes/input-change.ts';
import { facts } from '#infra/console/html/elements.ts';
import { choice } from '#infra/console/html/forms.ts';
import { html } from '#infra/console/html/html.ts';
import type { PageRequest, View } from '#infra/console/html/page.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';
import { endpointAddress, readEndpoint } from './endpoint-words.ts';

/** Times in which requests carry both signatures. */
const overlaps = ['0s', '1h', '24h', '7d', '30d'] as const;

type Overlap = (typeof overlaps)[number];

interface Rotation {
  readonly name: string;
  readonly overlap: Overlap;
}

/** Gives a webhook a new secret, which the page after it shows once. */
export const endpointRotate = inputChange<Rotation>({
  path: '/endpoint/rotate',
  section: 'webhooks',
  title: ({ words: { say } }, { name = '' }) => `${say('endpoint.rotate')}: ${name}`,
  form: (request, { name = '', overlap }) =>
    html`${hiddenFields({ name })}${choice(
      { name: 'overlap', label: request.words.say('endpoint.rotate.overlap'), value: overlap ?? '24h' },
      overlaps.map((one) => [one, overlapText(request, one)]),
    )}`,
  read(_request, { name = '', overlap }) {
    const known = overlaps.find((one) => one === overlap);
    return known ? { name, overlap: known } : { wrong: 'endpoint.rotate.no-overlap' };
  },
  async ask(request, { overlap }) {
    const { say } = request.words;
    const { name } = await readEndpoint(request);
    return {
      title: `${say('endpoint.rotate')}: ${name}`,
      section: 'webhooks',
      question: say('endpoint.question.rotate', { name, end: overlapText(request, overlap) }),
      command: `endpoint rotate ${name} --overlap ${overlap}`,
      label: say('endpoint.rotate'),
      back: endpointAddress(name),
    };
  },
  async run(request, { name, overlap }) {
    const body = { overlapSeconds: millisecondsOf(overlap) / 1000 };
    const rotated = await request.api.send<EndpointWithSecret>({
      method: 'POST',
      path: path`/endpoints/${name}/rotate`,
      body,
    });
    return secretPage(request, rotated, overlap);
  },
});

const overlapText = ({ words: { say } }: PageRequest, overlap: Overlap): string =>
  overlap === '0s' ? say('endpoint.rotate.at-once') : say('endpoint.rotate.in', { time: overlap });

/** Shows the new secret. It is in no address, and no later page has it. */
function secretPage(request: PageRequest, { endpoint, secret, publicKey }: EndpointWithSecret, overlap: Overlap): View {
  const { say } = request.words;
  const { name } = endpoint;
  const title = say('endpoint.done.rotate', { name });
  const main = html`<h1>${title}</h1>
<p class="outcome good" role="status" tabindex="-1" autofocus>${say('endpoint.rotate.once')} ${say('endpoint.rotate.old', { end: overlapText(request, overlap) })}</p>
${facts([
  [say('endpoint.secret'), secret && html`<code class="command secret">${secret}</code>`],
  [say('endpoint.public-key'), publicKey && html`<code class="command">${publicKey}</code>`],
])}
<p><a href="${endpointAddress(name)}">${name}</a></p>`;
  return { title, section: 'webhooks', main };
}
