import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { checkCertificate } from '#infra/cli/doctor/tls.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { startForwardProxy } from '#test/functions/http/forward-proxy.ts';
import { type ProblemName, TlsServers } from '#test/functions/http/tls-servers.ts';
import { closeAll, tlsReceiver } from '#test/functions/webhooks/http/client-servers.ts';
import { problem } from '#test/infra/cli/scripted-api.ts';
import { selfSigned } from '#test/infra/local/certificate.ts';
import { alice, DoctorWorld, now, nowhere } from './doctor-world.ts';

const world = await DoctorWorld.start();
const servers = await TlsServers.start();
afterAll(() => servers.close());
afterEach(() => {
  vi.unstubAllEnvs();
  closeAll();
});

/** Has the notifier's own request to the server fail. */
const refuse = (cause: string) => world.verification(alice.mailbox, problem(502, `refused: ${cause}; ask`, { cause }));

/** Runs the doctor against a server with a certificate of a private authority. */
async function doctorOfPrivate(notAfter?: Date, options?: Parameters<DoctorWorld['doctorOf']>[2]) {
  const { key, cert } = await selfSigned(notAfter);
  const secure = await startCryptshareServer({ now, tls: { key, cert } });
  writeFileSync(join(world.folder, 'ca.pem'), cert);
  return world.doctorOf(secure.url, { caFile: 'ca.pem' }, options).finally(() => secure.close());
}

describe('checkServer', () => {
  it('fails when neither the doctor nor the notifier reaches the server', async () => {
    refuse('unreachable');
    const { code, of } = await world.doctorOf(nowhere);
    expect(code).toBe(1);
    expect(of('server')).toMatchObject([{ outcome: 'fail', message: 'the server cannot be reached (ECONNREFUSED)' }]);
    expect(of('verification')).toMatchObject([{ outcome: 'fail' }]);
  });

  it('warns when only the notifier reaches the server', async () => {
    world.isWell({ status: { server: nowhere } });
    const { code, of } = await world.doctorOf(nowhere);
    expect(code).toBe(0);
    expect(of('server')).toMatchObject([
      { outcome: 'warn', message: expect.stringMatching(/the notifier itself reaches it/) },
    ]);
  });

  it('fails when the notifier reaches another server than the configuration file names', async () => {
    world.isWell({ status: { server: 'https://other.example.com' } });
    const { code, of } = await world.doctorOf(nowhere);
    expect(code).toBe(1);
    expect(of('server')).toMatchObject([{ outcome: 'fail' }]);
  });

  it.each([
    [{ type: 'text/html', body: '<html>Sign in</html>' }, 'HTTP 200, text/html'],
    [{ status: 403, type: 'text/plain', body: 'Blocked.' }, 'HTTP 403, text/plain'],
    [{ status: 407, type: 'text/html', body: '' }, 'HTTP 407, text/html'],
  ])('fails for the login or error page %j', async (answer, told) => {
    world.isWell({ watches: [] });
    const { code, of } = await world.doctorOf(await world.otherServer(answer));
    expect(code).toBe(1);
    expect(of('server')).toMatchObject([
      {
        outcome: 'fail',
        message: `the answer is not the requested JSON (${told})`,
        remedy: expect.stringMatching(/login or error page/),
      },
    ]);
  });

  it.each(['malformed_answer', 'redirected'])('fails for a page that answers the notifier, too (%s)', async (cause) => {
    const url = await world.otherServer({ type: 'text/html', body: '<html>Sign in</html>' });
    world.isWell({ status: { server: url } });
    refuse(cause);
    expect((await world.doctorOf(url)).of('server')).toMatchObject([
      { outcome: 'fail', message: expect.stringMatching(/text\/html/) },
    ]);
  });

  it.each<[ProblemName, message: RegExp, remedy: RegExp]>([
    ['wrongHost', /is for another host name \(.*; it lists DNS:other\.example\.com\)/, /name in server\.url/],
    ['expired', /certificate has expired \(.*; it ended on \d{4}-\d\d-\d\d\)/, /renew/],
    ['notYetValid', /certificate is not valid yet \(.*; it begins on \d{4}-\d\d-\d\d\)/, /clock/],
    ['privateAuthority', /authority that is not trusted here \(.*; issued by Root\)/, /server\.caFile/],
    ['clientWantedIn12', /wants a client certificate/, /let the notifier in without one/],
    ['noSharedCipher', /may want a client certificate, or share no cipher/, /log/],
  ])('explains the TLS problem %s by a second handshake', async (name, message, remedy) => {
    const { url, ca } = servers.of(name);
    if (ca !== undefined) writeFileSync(join(world.folder, 'root.pem'), ca);
    world.isWell({ watches: [] });
    const { code, of } = await world.doctorOf(url, ca === undefined ? {} : { caFile: 'root.pem' });
    expect(code).toBe(1);
    expect(of('server')).toMatchObject([
      { outcome: 'fail', message: expect.stringMatching(message), remedy: expect.stringMatching(remedy) },
    ]);
  });

  const offers = (major: number, minor: number) => ({ apiVersions: { uiApiVersions: [{ major, minor }] } });
  it.each([
    [offers(1, 12), 'sent', 'ok', /^1\.12$/],
    [offers(1, 9), 'sent', 'warn', /it offers 1\.9.*sent transfers are listed/],
    [offers(1, 9), 'received', 'fail', /does not offer REST API 1\.12/],
    [offers(2, 3), 'sent', 'fail', /REST API 1 any more \(it offers 2\.3\)/],
    [{}, 'sent', 'warn', /does not say which versions/],
  ])('judges the API versions %j while %s transfers are watched: %s', async (body, direction, outcome, message) => {
    world.isWell({ watches: [{ ...alice, direction }] });
    const { of } = await world.doctorOf(await world.otherServer({ body }));
    expect(of('REST API version')).toMatchObject([{ outcome, message: expect.stringMatching(message) }]);
  });

  it.each([
    ['not_licensed', 'licence'],
    ['client_id_rejected', 'client id'],
    ['server_fault', 'verification'],
  ])('reports the refusal %s as a failed check of the %s', async (cause, name) => {
    refuse(cause);
    const { code, of } = await world.doctor();
    expect(code).toBe(1);
    expect(of(name)).toEqual([{ name, outcome: 'fail', message: `refused: ${cause}; ask` }]);
  });
});

describe('checkCertificate', () => {
  it('accepts a certificate of the private authority in server.caFile', async () => {
    const { of } = await doctorOfPrivate();
    expect(of('server')).toMatchObject([{ outcome: 'ok' }]);
    expect(of('TLS')).toMatchObject([
      { outcome: 'ok', message: expect.stringMatching(/^TLSv1\.3, certificate trusted until \d{4}-/) },
    ]);
  });

  it('warns of a certificate that ends soon', async () => {
    const { of } = await doctorOfPrivate(new Date(now().getTime() + 10.5 * 86_400_000));
    expect(of('TLS')).toMatchObject([
      { outcome: 'warn', message: 'TLSv1.3, certificate trusted until 2026-12-05, that is 10 days' },
    ]);
  });

  const origin = 'https://cryptshare.example.com';

  it('reads the certificate of a server behind a proxy through the proxy', async () => {
    const { port, cert } = await tlsReceiver('cryptshare.example.com');
    const { url, asked } = await startForwardProxy({ port });
    vi.stubEnv('HTTPS_PROXY', url);
    expect(await checkCertificate(origin, cert, new Date())).toMatchObject({
      outcome: 'ok',
      message: expect.stringMatching(/^TLSv1\.3, /),
    });
    expect(asked).toEqual(['CONNECT cryptshare.example.com:443']);
  });

  it('warns when the proxy opens no tunnel', async () => {
    const { url } = await startForwardProxy({ status: 503 });
    vi.stubEnv('HTTPS_PROXY', url);
    expect(await checkCertificate(origin, undefined, new Date())).toMatchObject({
      outcome: 'warn',
      message: expect.stringMatching(/HTTP 503/),
    });
  });
});

describe('checkClock', () => {
  const off = (milliseconds: number) => ({ now: () => new Date(now().getTime() + milliseconds) });

  it.each([
    { by: 3_660_000, outcome: 'fail', message: 'the clock here is 61 min ahead of the server’s' },
    { by: -90_000, outcome: 'warn', message: 'the clock here is 2 min behind the server’s' },
    { by: 20_000, outcome: 'ok', message: 'agrees with the server’s to the minute' },
  ])('judges a clock that is off by $by ms: $outcome', async ({ by, outcome, message }) => {
    expect((await world.doctor({}, off(by))).of('clock')).toMatchObject([{ outcome, message }]);
  });

  it('reports a clock before the start of the certificate’s validity', async () => {
    const { of } = await doctorOfPrivate(undefined, off(-3_600_000));
    expect(of('clock')).toMatchObject([{ outcome: 'fail', message: 'the clock here is 60 min behind the server’s' }]);
  });
});
