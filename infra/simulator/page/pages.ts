import type { FastifyInstance, FastifyReply } from 'fastify';
import { address } from '#functions/transfers/mailbox-address.ts';
import { foreign, table } from '#infra/console/html/elements.ts';
import { choice, textField } from '#infra/console/html/forms.ts';
import { html } from '#infra/console/html/html.ts';
import type { Simulation } from '#infra/simulator/simulation.ts';
import { TransferError } from '#infra/simulator/transfers.ts';
import { form, framed, type Page, pageHeaders, style } from './frame.ts';
import { switchesFrom, switchTexts } from './switch-text.ts';
import { type Form, FormError, moves, numberIn, pairs, transferPage, transfersPage } from './transfer-pages.ts';

type Named = { Params: { trackingId: string } };

/** Prefix of a hidden field that holds what the page has shown. */
const was = 'was ';

/** Bytes of a form at most. */
const mostBytes = 10_000;

/** Registers pages that show the server's transfers, switches and mailed codes, and let one move them. No script runs. */
export function simulatorPages(app: FastifyInstance, simulation: Simulation): void {
  const { transfers, switches, verifications } = simulation;
  const send = (reply: FastifyReply, page: Page, status = 200) =>
    reply.code(status).headers(pageHeaders).send(framed(page));
  const go = (reply: FastifyReply, to: string) => reply.redirect(to, 303);
  const refuse = (reply: FastifyReply, status: number, reason: string) =>
    send(reply, { title: 'This cannot be done', section: '/', main: html`<p class="problem">${reason}</p>` }, status);

  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: mostBytes },
    async (_request: unknown, body: string) => Object.fromEntries(new URLSearchParams(body)),
  );
  app.addHook('preHandler', async (request) => {
    request.body ??= {};
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const known = error instanceof TransferError || error instanceof FormError;
    const status = error instanceof FormError ? 400 : (error.statusCode ?? 500);
    return refuse(
      reply,
      status,
      known || status < 500 ? error.message : 'The simulated server failed: see its output.',
    );
  });

  app.get('/style.css', (_request, reply) => reply.type('text/css').send(style));
  app.get<{ Querystring: { page?: string } }>('/', ({ query: { page = '1' } }, reply) =>
    send(reply, transfersPage(simulation, numberIn(page, 1, 1_000_000))),
  );
  app.post<{ Body: Form }>('/transfers', ({ body: { sender = '', to = '', files } }, reply) => {
    const mails = to.split(/[\s,]+/).filter((one) => one !== '');
    const wrong = [sender, ...mails].find((one) => !address.safeParse(one).success);
    if (wrong !== undefined || mails.length === 0)
      throw new FormError(`got ${wrong || 'no recipient'}, expected addresses such as alice@example.com`);
    const { trackingId } = transfers.create({
      sender,
      to: [mails[0]!, ...mails.slice(1)],
      files: numberIn(files, 1, 999),
    });
    return go(reply, `/transfers/${encodeURIComponent(trackingId)}`);
  });
  app.get<Named>('/transfers/:trackingId', ({ params: { trackingId } }, reply) => {
    const transfer = transfers.any(trackingId);
    return transfer
      ? send(reply, transferPage(simulation, transfer))
      : refuse(reply, 404, `There is no transfer ${trackingId}; a simulated server keeps nothing when it ends.`);
  });
  for (const [name, move] of Object.entries(moves)) {
    app.post<Named & { Body: Form }>(`/transfers/:trackingId/${name}`, ({ params: { trackingId }, body }, reply) => {
      move(simulation, trackingId, body);
      return go(reply, `/transfers/${encodeURIComponent(trackingId)}`);
    });
  }

  app.get('/switches', (_request, reply) => send(reply, switchesPage(simulation)));
  app.post<{ Body: Form }>('/switches', ({ body }, reply) => {
    // A form of another page, or a script, may have changed the others since.
    const changed = Object.entries(body).filter(([name, text]) => !name.startsWith(was) && text !== body[was + name]);
    const read = switchesFrom(Object.fromEntries(changed) as Record<string, string>, switches);
    if (typeof read === 'string') throw new FormError(read);
    Object.assign(switches, read);
    return go(reply, '/switches');
  });

  app.get('/verifications', (_request, reply) => {
    const codes = verifications.mailedCodes();
    const columns = [
      { heading: 'Mailbox', cell: ({ mailbox }: (typeof codes)[number]) => foreign(mailbox) },
      { heading: 'Code', cell: ({ code }: (typeof codes)[number]) => html`<code>${code}</code>` },
    ];
    const list =
      codes.length === 0
        ? html`<p>No code waits to be used. Ask for one: watch verify MAILBOX.</p>`
        : table('Mailed codes', columns, codes);
    return send(reply, { title: 'Verifications', section: '/verifications', main: list });
  });
}

const textOf = ({ switches }: Simulation, name: string): string => String(switches[name as keyof typeof switches]);

function switchesPage(simulation: Simulation): Page {
  const fields = switchTexts.map(({ name, help, values }) => {
    const value = textOf(simulation, name);
    const field = { name, label: `${name}: ${help}`, value };
    const shown = html`<input type="hidden" name="${was}${name}" value="${value}">`;
    return html`${shown}${values ? choice(field, pairs(values)) : textField(field)}`;
  });
  return {
    title: 'Switches',
    section: '/switches',
    main: html`<p>What the documents of the server leave open, contradict or leave to the administrator.</p>
${form('/switches', 'Change', fields)}`,
  };
}
