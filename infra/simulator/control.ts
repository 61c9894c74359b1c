import type { FastifyInstance } from 'fastify';
import { ZodError, z } from 'zod';
import { address } from '#functions/transfers/mailbox-address.ts';
import type { Fault } from './faults.ts';
import type { Simulation } from './simulation.ts';
import { switchesSchema } from './switches.ts';
import { recipientKinds } from './transfer.ts';

const mails = z.array(address);
const fileNumber = z.int().min(1).max(999);
const newTransfer = {
  sender: address,
  to: mails.nonempty(),
  cc: mails.optional(),
  bcc: mails.optional(),
  files: fileNumber.optional(),
};

const newTransferSchema = z.strictObject(newTransfer);
const seedSchema = z.strictObject({ ...newTransfer, count: z.int().min(1).max(1_000_000), state: z.string() });
const stateSchema = z.strictObject({ state: z.string().nonempty() });
const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const expirySchema = z.strictObject({ at: instant.nullable() });
const downloadSchema = z.strictObject({
  mail: address,
  file: fileNumber.optional(),
  method: z.string().optional(),
  at: instant.nullish(),
  times: z.int().min(1).max(100_000).optional(),
});
const problemsSchema = z.strictObject({
  recipientsNotNotified: mails.optional(),
  senderNotNotified: z.boolean().default(false),
  messageNotCreated: z.boolean().default(false),
  removedFiles: z.array(fileNumber).default([]),
  warnings: z.array(z.string()).default([]),
});
const recipientSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('appear'),
    mail: address,
    as: z.enum(recipientKinds).default('to'),
    id: z.string().nonempty().optional(),
  }),
  z.strictObject({ kind: z.literal('vanish'), mail: address }),
  z.strictObject({ kind: z.literal('return'), mail: address }),
  z.strictObject({ kind: z.literal('rename'), mail: address, newMail: address, newId: z.boolean().default(false) }),
]);
const clientSchema = z.strictObject({ clientId: z.string().regex(/^[a-zA-Z0-9]{50,4000}$/) });
const tokenSchema = clientSchema.extend({ mailbox: address, token: z.string().nonempty() });

type Transfer = { Params: { trackingId: string } };

/**
 * Registers, below `/control`, the events that happen on a real server outside its REST API. A demo can be driven by it.
 * Reads bodies as JSON, whatever their content type. With `server=http://127.0.0.1:8080`:
 *
 * ```sh
 * # Send a transfer (answers its tracking id), give it another state, take it out of the log and bring it back
 * curl $server/control/transfers -d '{"sender":"alice@example.com","to":["bob@example.org"]}'
 * curl $server/control/transfers/TRACKING-ID/state -X PUT -d '{"state":"ACTIVE"}'
 * curl $server/control/transfers/TRACKING-ID/purge -X POST
 * curl $server/control/transfers/TRACKING-ID/restore -X POST
 * # Fetch a file, move the end or remove it (null), give a transfer problems or none ({}), change its recipients
 * curl $server/control/transfers/TRACKING-ID/downloads -d '{"mail":"bob@example.org","method":"VIEWED"}'
 * curl $server/control/transfers/TRACKING-ID/expiry -X PUT -d '{"at":"2030-01-31T14:00:00+02:00"}'
 * curl $server/control/transfers/TRACKING-ID/problems -X PUT -d '{"recipientsNotNotified":["bob@example.org"]}'
 * curl $server/control/transfers/TRACKING-ID/recipients -d '{"kind":"appear","mail":"carol@example.net","as":"cc"}'
 * # Fill the log with old transfers; delete a person's user data
 * curl $server/control/seed -d '{"sender":"alice@example.com","to":["bob@example.org"],"count":1000,"state":"ACTIVE"}'
 * curl $server/control/users/bob@example.org -X DELETE
 * # Look at the switches and change some
 * curl $server/control/switches
 * curl $server/control/switches -X PATCH -d '{"stateSpelling":"prose","latencyMs":50}'
 * # Let the second page fail twice; take back every fault
 * curl $server/control/faults -d '{"page":2,"times":2,"answer":{"kind":"response","status":500}}'
 * curl $server/control/faults -X DELETE
 * # Read the counters; start counting again
 * curl $server/control/requests
 * curl $server/control/requests -X DELETE
 * # Let a client id verify itself; make a token hold for a mailbox; void every token
 * curl $server/control/clients -d '{"clientId":"CLIENT-ID"}'
 * curl $server/control/tokens -d '{"mailbox":"alice@example.com","clientId":"CLIENT-ID","token":"example-token-1"}'
 * curl $server/control/tokens -X DELETE
 * ```
 *
 * Answers 400 with a list of `problems` for a wrong body. An unknown transfer, recipient or file gets 404, a transfer
 * in a final state 409. Any program of this machine may use it, but no page in a browser.
 */
export function controlInterface(app: FastifyInstance, simulation: Simulation): void {
  const { transfers, switches, faults, requests, verifications } = simulation;

  // HTML forms can send text/plain.
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error'),
  );
  app.addHook('onSend', async (_request, reply, payload) => {
    if (payload === undefined) reply.code(204);
  });

  app.post('/transfers', (request, reply) => {
    const { trackingId, state } = transfers.create(newTransferSchema.parse(request.body));
    return reply.code(201).send({ trackingId, state });
  });
  app.put<Transfer>('/transfers/:trackingId/state', async ({ params, body }) =>
    transfers.setState(params.trackingId, stateSchema.parse(body).state),
  );
  app.post<Transfer>('/transfers/:trackingId/purge', async ({ params }) => transfers.purge(params.trackingId));
  app.post<Transfer>('/transfers/:trackingId/restore', async ({ params }) => transfers.restore(params.trackingId));
  app.post<Transfer>('/transfers/:trackingId/downloads', async ({ params, body }) => {
    const { mail, ...download } = downloadSchema.parse(body);
    transfers.download(params.trackingId, mail, download);
  });
  app.put<Transfer>('/transfers/:trackingId/expiry', async ({ params, body }) =>
    transfers.moveExpiry(params.trackingId, expirySchema.parse(body).at),
  );
  app.put<Transfer>('/transfers/:trackingId/problems', async ({ params, body }) =>
    transfers.setProblems(params.trackingId, problemsSchema.parse(body)),
  );
  app.post<Transfer>('/transfers/:trackingId/recipients', async ({ params, body }) =>
    transfers.changeRecipients(params.trackingId, recipientSchema.parse(body)),
  );
  app.post('/seed', (request, reply) => {
    const seeded = transfers.seed(seedSchema.parse(request.body));
    return reply.code(201).send({ count: seeded.length });
  });
  app.delete<{ Params: { email: string } }>('/users/:email', (request) => ({
    proxyAddress: transfers.deleteUserData(request.params.email),
  }));

  app.get('/switches', () => switches);
  app.patch('/switches', ({ body }) =>
    Object.assign(switches, switchesSchema.parse({ ...switches, ...z.looseObject({}).parse(body) })),
  );

  app.post('/faults', async ({ body }) => faults.inject(body as Fault));
  app.delete('/faults', async () => faults.clear());

  app.get('/requests', () => requests.report());
  app.delete('/requests', async () => requests.reset());

  app.post('/clients', async ({ body }) => verifications.registerClientId(clientSchema.parse(body).clientId));
  app.post('/tokens', async ({ body }) => {
    const { token, ...claimant } = tokenSchema.parse(body);
    verifications.grantToken(claimant, token);
  });
  app.delete('/tokens', async () => verifications.reset());

  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof ZodError) {
      const problems = error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
      return reply.code(400).send({ problems });
    }
    return reply.code(error.statusCode ?? 500).send({ problems: [{ path: '', message: error.message }] });
  });
}
