import { path } from '#infra/cli/api/client.ts';
import type { NewVerification, VerificationResource } from '#infra/cli/api/resources.ts';
import { ApiError } from '#infra/cli/terminal/cli-error.ts';
import type { Change, Fields } from '#infra/console/changes/change.ts';
import { outcomeAddress, outcomeLine } from '#infra/console/changes/outcome.ts';
import { badge, changeLink, commandLine, facts, foreign, shellWord, time } from '#infra/console/html/elements.ts';
import { textField } from '#infra/console/html/forms.ts';
import { html } from '#infra/console/html/html.ts';
import type { PageRequest, PageRoute, Question, View } from '#infra/console/html/page.ts';
import { verificationAddress } from './verification-words.ts';

export const verificationPages: readonly PageRoute[] = [{ path: '/verification', show: verificationPage }];

const mailboxIn = ({ searchParams }: URL): string => searchParams.get('mailbox')?.trim() ?? '';

/** Stands for an answer of the Cryptshare Server where it cannot be asked: any way may be open. */
const unknown: VerificationResource = { isVerified: false, methods: ['client_id', 'email'] };

/** Tells whether the server has a mailbox verified, and the ways to verify it. */
async function verificationPage(request: PageRequest): Promise<View> {
  const { api, words, url } = request;
  const { say } = words;
  const mailbox = mailboxIn(url);
  const address = path`/mailboxes/${mailbox || ' '}/verification`;
  const answer = await api.get<VerificationResource>(address).catch((error: Error) => {
    // The server has failed, not the request for it.
    if (error instanceof ApiError && error.kind !== undefined) return error;
    throw error;
  });
  const { isVerified, methods, method, validUntil } = answer instanceof ApiError ? unknown : answer;
  const state = answer instanceof ApiError ? 'unknown' : isVerified ? 'yes' : 'no';
  const command = `watch verify ${shellWord(mailbox)}`;
  const ways = html`${methods.includes('client_id') && changeLink(request, verificationAddress(mailbox, '/client-id'), say('verification.client-id'), command)}
${
  methods.includes('email') &&
  html`${changeLink(request, verificationAddress(mailbox, '/mail'), say('verification.mail'), `${command} --send-code`)}
${changeLink(request, verificationAddress(mailbox, '/code'), say('verification.code'), `${command} --code CODE`)}`
}`;
  const main = html`${outcomeLine(request)}<h1>${say('verification.of')} <span>${foreign(mailbox)}</span> ${badge(tones[state], say(`verification.is.${state}`))}</h1>
${answer instanceof ApiError && html`<div class="problem"><p class="said" lang="en">${foreign(answer.message)}</p></div>`}
${facts([
  [say('verification.method'), method === undefined ? undefined : say(`verification.by.${method}`)],
  [say('watch.verified-until'), validUntil === undefined ? undefined : time(words, validUntil)],
])}
<p>${say(methods.length === 0 ? 'verification.no-way' : state === 'unknown' ? 'verification.any-way' : 'verification.ways')}</p>
<p class="buttons">${ways}</p>
<p>${commandLine(request, command)}</p>`;
  return { title: say('verification'), section: 'watches', main };
}

const tones = { yes: 'good', no: 'bad', unknown: 'warn' } as const;

/** Ways to verify a mailbox: by the client id, or by a code that comes in a mail. */
export const verificationChanges: readonly Change[] = [
  {
    path: '/verification/client-id',
    ask: (request) => question(request, 'client-id', ''),
    run: (request) => verified(request, {}),
  },
  {
    path: '/verification/mail',
    ask: (request) => question(request, 'mail', ' --send-code'),
    async run(request) {
      const mailbox = mailboxIn(request.url);
      await request.api.send({ method: 'POST', path: path`/mailboxes/${mailbox}/code` });
      return outcomeAddress(request, verificationAddress(mailbox, '/code'), 'verification.mail.done', { mailbox });
    },
  },
  {
    path: '/verification/code',
    ask(request, given) {
      const label = request.words.say('verification.code.field');
      const field = textField({ name: 'code', label, value: given.code, isRequired: true });
      return { ...question(request, 'code', ' --code CODE'), fields: field };
    },
    run: (request, { code = '' }: Fields) => verified(request, { code: code.trim() }),
  },
];

function question(request: PageRequest, way: 'client-id' | 'mail' | 'code', options: string): Question {
  const { say } = request.words;
  const mailbox = mailboxIn(request.url);
  return {
    title: say(`verification.${way}`),
    section: 'watches',
    question: say(`verification.question.${way}`, { mailbox }),
    command: `watch verify ${shellWord(mailbox)}${options}`,
    label: say(`verification.${way}`),
    back: verificationAddress(mailbox),
  };
}

async function verified(request: PageRequest, body: { readonly code?: string }): Promise<string> {
  const address = path`/mailboxes/${mailboxIn(request.url)}/verification`;
  const { mailbox, validUntil } = await request.api.send<NewVerification>({ method: 'POST', path: address, body });
  const { time: text, say } = request.words;
  const until = validUntil === undefined ? say('watch.verified.open') : text(validUntil);
  return outcomeAddress(request, verificationAddress(mailbox), 'verification.done', { mailbox, until });
}
