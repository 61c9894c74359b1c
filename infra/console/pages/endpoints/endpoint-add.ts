import { typePatterns } from '#functions/events/catalogue.ts';
import type { EndpointWithSecret } from '#infra/cli/api/resources.ts';
import { inputChange } from '#infra/console/changes/input-change.ts';
import { shellWord } from '#infra/console/html/elements.ts';
import { textField } from '#infra/console/html/forms.ts';
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
}

/** Adds a webhook, whose secret the page after it shows once. */
export const endpointAdd = inputChange<NewWebhook>({
  path: '/endpoint/add',
  section: 'webhooks',
  title: ({ words: { say } }) => say('endpoint.add'),
  form: ({ words: { say } }, given) =>
    html`${textField({ name: 'name', label: say('endpoint.add.name'), value: given.name, isRequired: true })}
${textField({ name: 'url', label: say('endpoint.url'), value: given.url, isRequired: true })}
${textField({ name: 'types', label: say('endpoint.add.types'), value: given.types }, typePatterns)}
${textField({ name: 'mailboxes', label: say('endpoint.add.mailboxes'), value: given.mailboxes })}`,
  read(_request, { name = '', url = '', types = '', mailboxes = '' }) {
    if (name.trim() === '' || url.trim() === '') return { wrong: 'endpoint.add.incomplete' };
    return { name: name.trim(), url: url.trim(), types: listIn(types), mailboxes: listIn(mailboxes) };
  },
  ask(request, { name, url, types, mailboxes }) {
    const { say } = request.words;
    const options = [
      `--address ${shellWord(url)}`,
      types && `--type ${shellWord(types.join(','))}`,
      mailboxes && `--mailbox ${shellWord(mailboxes.join(','))}`,
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
