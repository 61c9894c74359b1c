import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { malformed, missing, notVerified } from '#infra/simulator/protocol/error.ts';
import { type Caller, requireCaller } from './caller.ts';
import type { Simulation } from './simulation.ts';

type Mailbox = { Params: { email: string } };

const tokenRequest = z.object({ verificationCode: z.string().optional() });

/** Registers the routes that prove the ownership of a mailbox: by a registered client id, or by a mailed code. */
export function verificationRoutes(app: FastifyInstance, simulation: Simulation): void {
  const { clock, switches, verifications } = simulation;
  const methodNames = {
    upper: { clientId: 'CLIENT_ID', email: 'EMAIL' },
    camel: { clientId: 'clientId', email: 'email' },
  };

  const told = (validUntil: number | undefined) =>
    switches.validUntil === 'missing'
      ? {}
      : { validUntil: validUntil && switches.validUntil === 'present' ? clock.format(validUntil) : null };

  app.get<Mailbox>('/users/:email/verification', (request) => {
    const caller = requireCaller(request, switches);
    const validUntil = verifications.validUntil(caller, caller.token);
    if (caller.token && !validUntil && switches.verificationTokenStatus !== 200) {
      throw notVerified(switches.verificationTokenStatus);
    }
    const { clientId, email } = methodNames[switches.methodSpelling];
    const verificationMethods = verifications.isRegistered(caller.clientId) ? [clientId, email] : [email];
    return { data: { verified: validUntil !== undefined, ...told(validUntil), verificationMethods }, meta: {} };
  });

  app.post<Mailbox>('/users/:email/verification/code/email', (request, reply) => {
    const caller = requireCaller(request, switches);
    verifications.admit();
    verifications.sendCode(caller);
    return reply.send();
  });

  app.post<Mailbox>('/users/:email/verification/token', (request) => {
    const caller = requireCaller(request, switches);
    verifications.admit();
    prove(caller, request.body);
    const token = verifications.issueToken(caller);
    return { data: { token, ...told(verifications.validUntil(caller, token)) }, meta: {} };
  });

  // Only a registered client id may leave out the code (REST API 1.8 document).
  const prove = (caller: Caller, body: unknown) => {
    const parsed = tokenRequest.safeParse(body ?? {});
    if (!parsed.success) throw malformed('verificationCode');
    const { verificationCode } = parsed.data;
    if (verificationCode !== undefined) verifications.redeemCode(caller, verificationCode);
    else if (!verifications.isRegistered(caller.clientId)) throw missing('verificationCode');
  };
}
