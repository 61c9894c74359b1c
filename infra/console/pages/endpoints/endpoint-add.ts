import { typePatterns } from '#functions/events/catalogue.ts';
import type { Direction } from '#functions/transfers/transfer.ts';
import type { EndpointWithSecret } from '#infra/cli/api/resources.ts';
import { postedChange } from '#infra/console/changes/posted-change.ts';
import { shellWord } from '#infra/console/html/elements.ts';
import { choice, textField } from '#infra/console/html/forms.ts';
import { html } from '#infra/console/html/html.ts';
import { endpointAddress } from './endpoint-words.ts';
import { secretPage } from './secret-page.ts';

/** A webhook with the settings that a first one needs; the command line has the others. */
interface NewWebhook {
  readonly name: string;
  readonly url: string;
  /** @default all of transfers */
  readonly types?: readonly string[] | undefined;
  /** @default all */
  readonly mailboxes?: readonly string[] | undefined;
  /** @default both */
  readonly directions?: readonly Direction[] | undefined;
}

/** Adds a webhook, whose secret the page after it shows once. Its URL may be a secret, too, such as that of a chat. */
export const endpointAdd = postedChange<NewWebhook>({
  path: '/endpoint/add',
  section: 'webhooks',
  title: ({ words: { say } }) => say('endpoint.add'),
  form: ({ words: { say } }, given) =>
    html`${textField({ name: 'name', label: say('endpoint.add.name'), value: given.name, isRequired: true })}
${textField({ name: 'url', label: say('endpoint.url'), value: given.url, isRequired: true })}
${textField({ name: 'types', label: say('endpoint.add.types'), value: given.types }, typePatterns)}
${textField({ name: 'mailboxes', label: say('endpoint.add.mailboxes'), value: given.mailboxes })}
${choice({ name: 'direction', label: say('endpoint.add.direction'), value: given.direction }, [
  ['', say('endpoint.add.both')],
  ['sent', say('endpoint.add.sent')],
  ['received', say('endpoint.add.received')],
])}`,
  read(_request, { name = '', url = '', types = '', mailboxes = '', direction = '' }) {
    if (name.trim() === '' || url.trim() === '') return { wrong: 'endpoint.add.incomplete' };
    const filters = { types: listIn(types), mailboxes: listIn(mailboxes), directions: directionsIn(direction) };
    return { name: name.trim(), url: url.trim(), ...filters };
  },
  ask(request, { name, url, types, mailboxes, directions }) {
    const { say } = request.words;
    const options = [
      `--address ${shellWord(url)}`,
      types && `--type ${shellWord(types.join(','))}`,
      mailboxes && `--mailbox ${shellWord(mailboxes.join(','))}`,
      directions && `--direction ${directions.join(',')}`,
    ].filter(Boolean);
    return {
      title: say('endpoint.add'),
      section: 'webhooks',
      question: say('endpoint.question.add', { name, url }),
      command: ['endpoint add', shellWord(name), ...options].join(' '),
      label: say('endpoint.add'),
      back: '/webhooks',
    };
  },
  async run(request, webhook) {
    const { say } = request.words;
    const added = await request.api.send<EndpointWithSecret>({ method: 'POST', path: '/endpoints', body: webhook });
    const { name } = added.endpoint;
    const next = html`<p class="buttons"><a class="button" href="${endpointAddress(name, '/test')}">${say('endpoint.test')}</a></p>`;
    return secretPage(request, added, { title: say('endpoint.done.add', { name }), remark: '', next });
  },
});

/** Words between commas or blanks; undefined without any. */
function listIn(text: string): readonly string[] | undefined {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  return words.length > 0 ? words : undefined;
}

const directionsIn = (text: string): readonly Direction[] | undefined =>
  text === 'sent' || text === 'received' ? [text] : undefined;
