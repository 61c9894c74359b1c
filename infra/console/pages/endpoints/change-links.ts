import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import type { EndpointResource } from '#infra/cli/api/resources.ts';
import { changeLink } from '#infra/console/html/elements.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import type { PageRequest } from '#infra/console/html/page.ts';
import { endpointAddress } from './endpoint-words.ts';

/** Changes that an endpoint allows in its status, as buttons or as commands. */
export function changeLinks(request: PageRequest, { name, status, format }: EndpointResource): Html {
  const { say } = request.words;
  const simple = (verb: 'test' | 'pause' | 'resume' | 'enable' | 'disable' | 'recover' | 'replay') =>
    changeLink(request, endpointAddress(name, `/${verb}`), say(`endpoint.${verb}`), `endpoint ${verb} ${name}`);
  const replay = changeLink(
    request,
    endpointAddress(name, '/replay'),
    say('endpoint.replay'),
    `endpoint replay ${name} --from 24h --dry-run`,
  );
  const rotate = changeLink(
    request,
    `${endpointAddress(name, '/rotate')}&overlap=24h&ask=1`,
    say('endpoint.rotate'),
    `endpoint rotate ${name}`,
  );
  const test = isForPeople(format)
    ? changeLink(request, endpointAddress(name, '/test'), say('endpoint.test'), `notice test ${name}`)
    : simple('test');
  return html`<p class="buttons">${[
    test,
    status === 'active' && simple('pause'),
    status === 'paused' && simple('resume'),
    status === 'disabled' ? simple('enable') : simple('disable'),
    status === 'active' && simple('recover'),
    status === 'active' && replay,
    !isForPeople(format) && rotate,
  ].map((one) => html`${one} `)}</p>`;
}
