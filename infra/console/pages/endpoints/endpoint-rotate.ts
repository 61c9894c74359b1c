import { path } from '#infra/cli/api/client.ts';
import type { EndpointWithSecret } from '#infra/cli/api/resources.ts';
import { inputChange } from '#infra/console/changes/input-change.ts';
import { hiddenFields } from '#infra/console/changes/input-form.ts';
import { choice } from '#infra/console/html/forms.ts';
import { html } from '#infra/console/html/html.ts';
import type { PageRequest } from '#infra/console/html/page.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';
import { endpointAddress, readEndpoint } from './endpoint-words.ts';
import { secretPage } from './secret-page.ts';

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
    const { say } = request.words;
    return secretPage(request, rotated, {
      title: say('endpoint.done.rotate', { name }),
      remark: say('endpoint.rotate.old', { end: overlapText(request, overlap) }),
    });
  },
});

const overlapText = ({ words: { say } }: PageRequest, overlap: Overlap): string =>
  overlap === '0s' ? say('endpoint.rotate.at-once') : say('endpoint.rotate.in', { time: overlap });
