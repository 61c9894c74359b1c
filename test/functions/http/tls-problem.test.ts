import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Connection } from '#functions/cryptshare/connection.ts';
import { failureOfError } from '#functions/cryptshare/failure.ts';
import { codeOf, tlsProblemOf } from '#functions/http/tls-problem.ts';
import { PostError, webhookClient } from '#functions/webhooks/http/webhook-client.ts';
import { attemptRemedy, attemptWords } from '#infra/terminal/attempt-words.ts';
import { type ProblemName, TlsServers } from './tls-servers.ts';

let servers: TlsServers;

beforeAll(async () => {
  servers = await TlsServers.start();
});
afterAll(() => servers.close());

const authority = 'certificate comes from an authority that is not trusted here';
const client = 'side wants a client certificate';
const refused = 'side refuses the TLS connection; it may want a client certificate, or share no cipher';
const noTls = 'side does not speak TLS at this port';

/** The words for each problem, and words of the remedies at the server and at a receiver. */
const expected: Record<ProblemName, readonly [says: string, atServer: RegExp, atReceiver: RegExp]> = {
  wrongHost: ['certificate is for another host name', /name in server\.url/, /name in its URL/],
  expired: ['certificate has expired', /renew/, /renew/],
  notYetValid: ['certificate is not valid yet', /clock of this machine/, /clock of this machine/],
  selfSigned: [authority, /server\.caFile/, /NODE_EXTRA_CA_CERTS/],
  privateAuthority: [authority, /server\.caFile/, /NODE_EXTRA_CA_CERTS/],
  privateChain: [authority, /server\.caFile/, /NODE_EXTRA_CA_CERTS/],
  unknownIntermediate: [authority, /server\.caFile/, /NODE_EXTRA_CA_CERTS/],
  missingIntermediate: [authority, /intermediate/, /intermediate/],
  weakSignature: ['certificate has a key or a signature that is too weak', /SHA-256/, /SHA-256/],
  forClientsAlone: ['certificate cannot be used', /for servers/, /for servers/],
  oldVersion: ['side speaks no version of TLS that is safe', /TLS 1\.2 or 1\.3/, /TLS 1\.2 or 1\.3/],
  clientWantedIn12: [refused, /log of the server/, /log/],
  clientWantedIn13: [client, /without one/, /signature of each webhook/],
  noSharedCipher: [refused, /log of the server/, /log/],
  plainHttp: [noTls, /port in server\.url/, /port in its URL/],
  anotherProtocol: [noTls, /port in server\.url/, /port in its URL/],
};
const cases = Object.entries(expected) as [ProblemName, (typeof expected)[ProblemName]][];

describe('failureOfError', () => {
  test.each(cases)('tells the problem %s of a Cryptshare Server, with what to do', async (name, [says, atServer]) => {
    const { url, ca } = servers.of(name);
    const connection = new Connection(url, ca);
    const error = await connection.send({ path: '/api/status', headers: {} }, 5000, 1000).catch((thrown) => thrown);
    connection.close();
    const { kind, message, remedy } = failureOfError(error);
    expect(message).toContain(`the server’s ${says}`);
    expect(message).toMatch(/\([A-Z0-9_]+\)$/);
    expect(remedy).toMatch(atServer);
    expect(kind).toBe(says.startsWith('certificate') ? 'certificate_untrusted' : 'unreachable');
  });
});

describe('attemptWords', () => {
  test.each(cases)('tell the problem %s of a receiver, with what to do', async (name, [says, , atReceiver]) => {
    const { url, ca } = servers.of(name);
    const resolve = async () => ['127.0.0.1'];
    const webhooks = webhookClient({ resolve, allowPrivate: true, ...(ca !== undefined && { ca }) });
    const error: PostError = await webhooks.post(`${url}/`, {}, '{}').then(
      () => expect.fail('it was answered'),
      (thrown) => thrown,
    );
    webhooks.close();
    expect(error).toBeInstanceOf(PostError);
    expect(error.failure).toBe('tls');
    const { failure, code } = error;
    expect(attemptWords({ failure, code })).toContain(`its ${says}`);
    expect(attemptRemedy({ failure, code })).toMatch(atReceiver);
  });
});

test.each(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'HPE_INVALID_CONSTANT'])(
  'tlsProblemOf takes %s for no problem with TLS',
  (code) => {
    expect(tlsProblemOf(code)).toBeUndefined();
  },
);

test('codeOf finds one word of its own alphabet, whatever an error says', () => {
  const told = { code: 'EPROTO', message: 'write EPROTO 40:error:0A:SSL routines:f:ssl/tls alert\u202e x y:a.c:1:' };
  expect(codeOf(told)).toBe('ERR_SSL_SSL_TLS_ALERT_X_Y');
  expect(codeOf({ code: 'EPROTO', message: 'write EPROTO' })).toBe('EPROTO');
  expect(codeOf({ code: 7 })).toBeUndefined();
  expect(codeOf(undefined)).toBeUndefined();
});
