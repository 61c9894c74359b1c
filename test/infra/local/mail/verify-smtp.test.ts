import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError } from '#infra/config/config.ts';
import { MailServerError, requireMailServer, verifySmtp } from '#infra/local/mail/verify-smtp.ts';
import { certificate, closeAll, closedPort, from, mailServer, password, replies, speaking } from './mail-servers.ts';

afterEach(closeAll);

const pair = await certificate('localhost');
const user = 'ops%40example.com';
const problemOf = async (url: string, rest: object = {}) =>
  (await verifySmtp({ url, from, password, ...rest }))?.problem;

describe('verifySmtp', () => {
  it('finds no problem with a server that takes the login, and sends no mail', async () => {
    const { port, seen } = await mailServer({ ...pair, secure: true, authOptional: false });
    expect(await problemOf(`smtps://${user}@localhost:${port}`, { ca: pair.cert })).toBeUndefined();
    expect(seen).toMatchObject({ connections: 1, sources: [] });
  });

  it('finds no problem with a server without logins, if the URL names no user', async () => {
    const { port } = await mailServer({ disabledCommands: ['AUTH'] });
    expect(await problemOf(`smtp://127.0.0.1:${port}`)).toBeUndefined();
  });

  it('finds no mistake of the configuration where a server is only busy', async () => {
    const { port } = await speaking('421 too many connections');
    expect(await problemOf(`smtp://127.0.0.1:${port}`)).toBeUndefined();
  });

  it('says that a server does not listen, with its code', async () => {
    expect(await problemOf(`smtp://127.0.0.1:${await closedPort()}`)).toMatch(
      /^notify\.smtp\.url: the mail server cannot be reached \(ECONNREFUSED\); check host and port/,
    );
  });

  it('says that a user or password is wrong, and repeats neither', async () => {
    const { port } = await mailServer({ ...pair });
    const problem = await problemOf(`smtp://${user}@127.0.0.1:${port}`, { password: 'wr0ng-0ne' });
    expect(problem).toMatch(
      /^notify\.smtp\.url: the mail server refuses user or password \(SMTP 535\); .*SMTP_PASSWORD/,
    );
    expect(problem).not.toMatch(/wr0ng|ops/);
  });

  it('says that a certificate is not trusted, and how to have it trusted', async () => {
    const { port } = await mailServer({ ...pair, secure: true });
    expect(await problemOf(`smtps://localhost:${port}`)).toMatch(
      /^notify\.smtp\.url: the mail server’s certificate comes from .* \(DEPTH_ZERO_SELF_SIGNED_CERT\); .*NODE_EXTRA_CA_CERTS/,
    );
  });

  it('says that protocol and port do not belong together', async () => {
    const { port } = await speaking('220 mail ESMTP', replies());
    expect(await problemOf(`smtps://localhost:${port}`)).toMatch(/does not speak TLS .*smtp: for port 587/);
  });

  it.each([
    ['before its greeting', () => undefined, replies()],
    ['at the login', '220 mail ESMTP', replies({ AUTH: () => undefined })],
  ])('gives up a server that hangs %s, and closes the connection', async (_, greeting, reply) => {
    const { port, closed } = await speaking(greeting, reply);
    expect(await problemOf(`smtp://${user}@127.0.0.1:${port}`, { timeoutMs: 200 })).toMatch(
      /^notify\.smtp\.url: the mail server gives no answer within 15 s; check port and protocol/,
    );
    await closed();
  });
});

describe('requireMailServer', () => {
  const errorOf = (port: number) =>
    requireMailServer('notifier.config.json', { url: `smtp://${user}@127.0.0.1:${port}`, from, password: 'x' }).catch(
      (thrown: unknown) => thrown as Error,
    );

  it('tells a refused login as a mistake in the configuration file', async () => {
    const error = await errorOf((await mailServer()).port);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error!.message).toMatch(/^notifier\.config\.json cannot be used:\n {2}notify\.smtp\.url: the mail/);
  });

  it('tells a server that does not answer now from a mistake, since a later start may succeed', async () => {
    const error = await errorOf(await closedPort());
    expect(error).toBeInstanceOf(MailServerError);
    expect(error!.message).toMatch(/^notify\.smtp\.url: the mail server cannot be reached \(ECONNREFUSED\); check/);
  });

  it('asks nothing of a run without mail server', async () => {
    await expect(requireMailServer('notifier.config.json', undefined)).resolves.toBeUndefined();
  });
});
