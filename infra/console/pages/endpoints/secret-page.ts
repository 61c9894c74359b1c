import type { EndpointWithSecret } from '#infra/cli/api/resources.ts';
import { facts } from '#infra/console/html/elements.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import type { PageRequest, View } from '#infra/console/html/page.ts';
import { endpointAddress } from './endpoint-words.ts';

interface Told {
  readonly title: string;
  /** Words after those on the secret. */
  readonly remark: string;
  /** Step to take next. */
  readonly next?: Html;
}

/** Shows the new secret of a webhook. It is in no address, and no later page has it. */
export function secretPage(request: PageRequest, added: EndpointWithSecret, { title, remark, next }: Told): View {
  const { say } = request.words;
  const { endpoint, secret, publicKey } = added;
  const { name } = endpoint;
  const main = html`<h1>${title}</h1>
<p class="outcome good" role="status" tabindex="-1" autofocus>${say('endpoint.secret.once')} ${remark}</p>
${facts([
  [say('endpoint.secret'), secret && html`<code class="command secret">${secret}</code>`],
  [say('endpoint.public-key'), publicKey && html`<code class="command">${publicKey}</code>`],
])}
${next}<p><a href="${endpointAddress(name)}">${name}</a></p>`;
  return { title, section: 'webhooks', main };
}
