import dns from 'node:dns';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  certificate,
  clientOf,
  closeAll,
  closedPort,
  elsewhere,
  from,
  hangUp,
  mail,
  mailServer,
  password,
  refusal,
  replies,
  speaking,
} from './mail-servers.ts';

const { lookup } = dns;

beforeAll(() => {
  vi.spyOn(dns, 'lookup').mockImplementation(((name: string, options: object, done: never) =>
    lookup(name === elsewhere ? '127.0.0.1' : name, options, done)) as never);
});
afterAll(() => void vi.restoreAllMocks());
afterEach(closeAll);

const pair = await certificate();
const ca = pair.cert;
const user = 'ops%40example.com';
const greeting = '220 mail ESMTP';
const silence = () => undefined;

describe('an smtp: server elsewhere', () => {
  it('gets mails over STARTTLS after a login', async () => {
    const { port, seen } = await mailServer({ ...pair, authOptional: false });
    const client = clientOf(`smtp://${user}@${elsewhere}:${port}`, { password, ca });
    expect(await client.send(mail())).toEqual({ status: 250, response: '250 queued as 4F1' });
    expect(seen).toMatchObject({ secure: [true], users: ['ops@example.com'] });
    expect(seen.envelopes).toEqual([{ from, to: ['reader@example.com'] }]);
  });

  it('gets neither password nor mail without STARTTLS', async () => {
    const commands: string[] = [];
    const { port } = await speaking(greeting, (line) => {
      commands.push(line);
      return line === 'STARTTLS' ? '502 not here' : '250-mail\r\n250 AUTH PLAIN';
    });
    const client = clientOf(`smtp://${user}@${elsewhere}:${port}`, { password });
    expect(await client.send(mail())).toEqual({
      cause: 'untrusted_certificate',
      code: 'STARTTLS_REFUSED',
      status: 502,
      response: '502 not here',
    });
    expect(commands.filter((line) => !/^(EHLO|STARTTLS)/.test(line))).toEqual([]);
  });

  it('gets nothing if its certificate is not trusted', async () => {
    const { port, seen } = await mailServer(pair);
    const client = clientOf(`smtp://${user}@${elsewhere}:${port}`, { password });
    expect(await client.send(mail())).toEqual({ cause: 'untrusted_certificate', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(seen).toMatchObject({ users: [], sources: [] });
  });

  it('gets nothing if its certificate is for another name', async () => {
    const other = await certificate('other.example.com');
    const { port, seen } = await mailServer(other);
    const client = clientOf(`smtp://${elsewhere}:${port}`, { ca: other.cert });
    expect(await client.send(mail())).toEqual({ cause: 'untrusted_certificate', code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(seen.sources).toEqual([]);
  });
});

describe('an smtps: server', () => {
  it('gets mails over TLS from the first byte', async () => {
    const { port, seen } = await mailServer({ ...pair, secure: true });
    const client = clientOf(`smtps://${user}@${elsewhere}:${port}`, { password, ca });
    expect(await client.send(mail())).toMatchObject({ status: 250 });
    expect(seen.secure).toEqual([true]);
  });

  it('gets nothing if its certificate is not trusted, on this machine as well', async () => {
    const { port, seen } = await mailServer({ ...(await certificate('localhost')), secure: true });
    const client = clientOf(`smtps://localhost:${port}`);
    expect(await client.send(mail())).toEqual({ cause: 'untrusted_certificate', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(seen.sources).toEqual([]);
  });

  it('is told from one that speaks no TLS at this port', async () => {
    const { port } = await speaking(greeting, replies());
    const client = clientOf(`smtps://${elsewhere}:${port}`);
    expect(await client.send(mail())).toEqual({ cause: 'untrusted_certificate', code: 'ERR_SSL_WRONG_VERSION_NUMBER' });
  });
});

describe('an smtp: server on this machine', () => {
  it('gets mails in clear text if it offers no TLS', async () => {
    const { port, seen } = await mailServer({ hideSTARTTLS: true });
    expect(await clientOf(`smtp://127.0.0.1:${port}`).send(mail())).toMatchObject({ status: 250 });
    expect(seen.secure).toEqual([false]);
  });

  it('gets mails over STARTTLS if it offers it, with a certificate for any name', async () => {
    const { port, seen } = await mailServer(pair);
    expect(await clientOf(`smtp://localhost:${port}`).send(mail())).toMatchObject({ status: 250 });
    expect(seen.secure).toEqual([true]);
  });
});

describe('SmtpClient', () => {
  it('says that user or password is wrong', async () => {
    const { port, seen } = await mailServer(pair);
    const client = clientOf(`smtp://${user}@${elsewhere}:${port}`, { password: 'wrong', ca });
    expect(await client.send(mail())).toMatchObject({ cause: 'mail_login_refused', status: 535 });
    expect(seen.sources).toEqual([]);
  });

  it('says that a login is wanted if the URL names no user', async () => {
    const { port } = await mailServer({ authOptional: false });
    const client = clientOf(`smtp://127.0.0.1:${port}`);
    expect(await client.send(mail())).toMatchObject({ cause: 'mail_login_refused', status: 530 });
  });

  it('sends no mail without the login that its URL asks to make', async () => {
    const { port, seen } = await mailServer({ disabledCommands: ['AUTH'] });
    const client = clientOf(`smtp://${user}@127.0.0.1:${port}`, { password });
    expect(await client.send(mail())).toMatchObject({ cause: 'mail_login_refused' });
    expect(seen.sources).toEqual([]);
  });

  it('says that it has to slow down while a server greylists it, and succeeds at the next attempt', async () => {
    const answers = [refusal(450, '4.2.0 greylisted'), null];
    const { port, seen } = await mailServer({ onRcptTo: (_, __, done) => done(answers.shift()) });
    const client = clientOf(`smtp://127.0.0.1:${port}`);
    expect(await client.send(mail())).toEqual({ cause: 'throttled', status: 450, response: '450 4.2.0 greylisted' });
    expect(await client.send(mail())).toMatchObject({ status: 250 });
    expect(seen.sources).toHaveLength(1);
  });

  it('says that a login which fails for now is to be tried later', async () => {
    const { port } = await speaking(greeting, replies({ AUTH: '454 4.7.0 temporary failure' }));
    const client = clientOf(`smtp://${user}@127.0.0.1:${port}`, { password });
    expect(await client.send(mail())).toMatchObject({ cause: 'throttled', status: 454 });
  });

  it.each([
    [550, 'an unknown recipient', '5.1.1 no such user'],
    [552, 'a full mailbox', '5.2.2 mailbox full'],
  ])('says that the mail is refused with %i for %s', async (status, _, text) => {
    const { port } = await mailServer({ onRcptTo: (__, ___, done) => done(refusal(status, text)) });
    expect(await clientOf(`smtp://127.0.0.1:${port}`).send(mail())).toEqual({
      cause: 'mail_refused',
      status,
      response: `${status} ${text}`,
    });
  });

  it.each([
    ['its sender', { MAIL: '553 5.7.1 not your address' }, 553],
    ['its size, before it was sent', { EHLO: '250-mail\r\n250 SIZE 10', MAIL: '552 5.3.4 too big' }, 552],
    ['its content, after it was sent', { '.': '554 5.7.1 looks like spam' }, 554],
  ])('says that a mail is refused for %s', async (_, special, status) => {
    const { port } = await speaking(greeting, replies(special));
    const answer = await clientOf(`smtp://127.0.0.1:${port}`).send(mail());
    expect(answer).toMatchObject({ cause: 'mail_refused', status });
  });

  it.each([
    ['a server that refuses all clients', '554 no service here', { cause: 'mail_refused', status: 554 }],
    ['a server that is about to stop', '421 try later', { cause: 'throttled', status: 421 }],
    ['a server of another protocol', 'SSH-2.0-OpenSSH_9.9', { cause: 'unreachable', code: 'EPROTOCOL' }],
  ])('tells %s by its greeting', async (_, said, answer) => {
    const { port } = await speaking(said);
    expect(await clientOf(`smtp://127.0.0.1:${port}`).send(mail())).toMatchObject(answer);
  });

  it('names the code of a port without a server, and of a name that does not exist', async () => {
    const refused = clientOf(`smtp://127.0.0.1:${await closedPort()}`);
    expect(await refused.send(mail())).toEqual({ cause: 'unreachable', code: 'ECONNREFUSED' });
    vi.mocked(dns.lookup).mockImplementationOnce(((name: string, _: object, done: (error: Error) => void) =>
      done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' }))) as never);
    const unknown = clientOf('smtp://nowhere.example.com');
    expect(await unknown.send(mail())).toEqual({ cause: 'unreachable', code: 'ENOTFOUND' });
  });

  it('gives up a name that is never resolved', async () => {
    vi.mocked(dns.lookup).mockImplementationOnce((() => undefined) as never);
    const client = clientOf('smtp://slow.example.com', { connectTimeoutMs: 20 });
    expect(await client.send(mail())).toEqual({ cause: 'unreachable', code: 'ETIMEDOUT' });
  });

  const stages = { 'after EHLO': 'EHLO', 'after the sender': 'MAIL', 'after DATA': 'DATA', 'after the mail': '.' };

  it.each([
    ['before its greeting', silence, replies()] as const,
    ...Object.entries(stages).map(([stage, command]) => [stage, greeting, replies({ [command]: silence })] as const),
  ])('gives up a server that hangs %s, and closes the connection', async (_, greets, reply) => {
    const { port, closed, connections } = await speaking(greets, reply);
    const client = clientOf(`smtp://127.0.0.1:${port}`, { timeoutMs: 200 });
    expect(await client.send(mail())).toEqual({ cause: 'timeout' });
    await closed();
    expect(connections()).toBe(1);
  });

  it('gives up a server that never ends its reply, and closes the connection', async () => {
    const trickle = (_: string, socket: NodeJS.WritableStream) => {
      const timer = setInterval(() => socket.write('250-still at it\r\n'), 10);
      socket.on('close', () => clearInterval(timer));
      return undefined;
    };
    const { port, closed } = await speaking(greeting, replies({ '.': trickle }));
    const client = clientOf(`smtp://127.0.0.1:${port}`, { timeoutMs: 200 });
    expect(await client.send(mail())).toEqual({ cause: 'timeout' });
    await closed();
  });

  it.each([
    ['in place of a greeting', hangUp, replies()] as const,
    ...Object.entries(stages).map(([stage, command]) => {
      return [stage, greeting, replies({ [command]: (_, socket) => hangUp(socket) })] as const;
    }),
  ])('says that the server has ended the connection %s', async (_, greets, reply) => {
    const { port } = await speaking(greets, reply);
    const answer = await clientOf(`smtp://127.0.0.1:${port}`).send(mail());
    expect(answer).toEqual({ cause: 'unreachable', code: 'ECONNRESET' });
  });

  it('tries a mail once only if the server ends the connection after it got the mail', async () => {
    let mails = 0;
    const count = (_: string, socket: Parameters<typeof hangUp>[0]) => {
      mails += 1;
      return hangUp(socket);
    };
    const { port } = await speaking(greeting, replies({ '.': count }));
    await clientOf(`smtp://127.0.0.1:${port}`).send(mail());
    expect(mails).toBe(1);
  });

  it('sends several mails over one connection, and ends it when it is closed', async () => {
    const { port, connections, closed } = await speaking(greeting, replies());
    const client = clientOf(`smtp://127.0.0.1:${port}`);
    for (const id of ['dig_1', 'dig_2', 'dig_3'])
      expect(await client.send(mail({}, { id }))).toMatchObject({ status: 250 });
    expect(connections()).toBe(1);
    client.close();
    await closed();
  });

  it('connects anew if the server has ended the kept connection', async () => {
    const { port, connections, closed } = await speaking(
      greeting,
      replies({ '.': (_, socket) => void socket.end('250 queued\r\n') }),
    );
    const client = clientOf(`smtp://127.0.0.1:${port}`);
    expect(await client.send(mail())).toMatchObject({ status: 250 });
    await closed();
    expect(await client.send(mail())).toMatchObject({ status: 250 });
    expect(connections()).toBe(2);
  });

  it('sends a mail once more if the server ends the kept connection before it has a byte of the mail', async () => {
    const answers = ['250 ok', undefined, '250 ok'];
    const MAIL = (_: string, socket: Parameters<typeof hangUp>[0]) => answers.shift() ?? hangUp(socket);
    const { port, connections } = await speaking(greeting, replies({ MAIL }));
    const client = clientOf(`smtp://127.0.0.1:${port}`);
    expect(await client.send(mail())).toMatchObject({ status: 250 });
    expect(await client.send(mail())).toMatchObject({ status: 250 });
    expect(connections()).toBe(2);
  });

  it('gets no mail that has waited too long for a connection, and could be given up halfway', async () => {
    const held: (() => void)[] = [];
    const three = Promise.withResolvers<void>();
    const { port, seen } = await mailServer({
      onMailFrom(_, __, done) {
        if (held.push(done) === 3) three.resolve();
        if (held.length > 3) done();
      },
    });
    const client = clientOf(`smtp://127.0.0.1:${port}`, { startWithinMs: 90 });
    const answers = Array.from({ length: 4 }, (_, at) => client.send(mail({}, { id: `dig_${at}` })));
    await three.promise;
    const silent = await speaking(() => undefined);
    await clientOf(`smtp://127.0.0.1:${silent.port}`, { timeoutMs: 100 }).send(mail());
    for (const go of held) go();
    expect((await Promise.all(answers)).map(({ status, cause }) => cause ?? status)).toEqual([
      250,
      250,
      250,
      'timeout',
    ]);
    expect(seen.envelopes).toHaveLength(3);
  });

  it('opens at most three connections at once', async () => {
    const { port, seen } = await mailServer();
    const client = clientOf(`smtp://127.0.0.1:${port}`);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) => client.send(mail({}, { id: `dig_${at}` }))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(250));
    expect(seen.connections).toBeLessThanOrEqual(3);
  });

  it.each([
    ['the password itself', password],
    ['the password in base64', Buffer.from(password).toString('base64')],
    ['a command AUTH PLAIN', Buffer.from(`\0ops@example.com\0${password}`).toString('base64')],
    ['a part of the command', Buffer.from(`\0ops@example.com\0${password}`).toString('base64').slice(0, -6)],
    ['base64 behind a hyphen', `x-${Buffer.from(password).toString('base64')}`],
  ])('keeps no password that a server repeats as %s', async (_, echo) => {
    const AUTH = `535 5.7.8 not with ${echo}, authentication failed`;
    const { port } = await speaking(greeting, replies({ EHLO: '250-mail\r\n250 AUTH PLAIN', AUTH }));
    const answer = await clientOf(`smtp://${user}@127.0.0.1:${port}`, { password }).send(mail());
    expect(answer).toMatchObject({ cause: 'mail_login_refused', status: 535 });
    expect(answer.response).toBe('535 5.7.8 not with (hidden), authentication failed');
    expect(JSON.stringify(answer)).not.toContain(echo);
  });

  it('makes one short line of an answer', async () => {
    const RCPT = `550-\u001b[31mno\r\n550 ${'x'.repeat(5000)}`;
    const { port } = await speaking(greeting, replies({ RCPT }));
    const { response } = await clientOf(`smtp://127.0.0.1:${port}`).send(mail());
    expect(response).toMatch(/^550-no 550 x+…$/);
    expect(response).toHaveLength(1024);
  });
});
