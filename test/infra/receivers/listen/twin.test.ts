import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { usualSession } from '#infra/receivers/listen-session.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { LocalRun } from '#test/infra/local/local-run.ts';
import { DevelopersReceiver, secret } from '#test/infra/receivers/developers-receiver.ts';

let receiver: DevelopersReceiver;
let folder: string;

beforeEach(async () => {
  receiver = new DevelopersReceiver();
  await receiver.start();
  folder = mkdtempSync(join(tmpdir(), 'twin-'));
});

afterEach(async () => {
  await receiver.kill();
  rmSync(folder, { recursive: true });
});

const environment = { WEBHOOK_SECRET: secret };
const fast = ['--days', '1', '--speed', '10000000'];
const listen = (...args: string[]) => run(['listen', '--forward-to', receiver.url, ...args], { environment });

describe('listen --twin', () => {
  it('forwards the days of a mailbox and ends, with the same ids and bytes for the same seed', async () => {
    const first = await listen('--twin', '--seed', '7', ...fast);
    expect(first).toMatchObject({ code: 0 });
    const count = receiver.taken.length;
    expect(first.stderr).toContain(`the twin's days are over: the receiver took ${count} of ${count} events`);
    expect(first.stdout).toMatch(/^from {4}a twin of the server: seed 7, 1 day, 10000000 times as fast$/m);
    expect(first.stdout).toMatch(/^01-05 07:04 {2}204 .* transfer\.active .* from alice@example\.com$/m);
    expect(first.stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
    const bodies = receiver.taken.splice(0).map(({ body }) => body);
    expect(bodies.length).toBeGreaterThan(10);
    await listen('--twin', '--seed', '7', ...fast);
    expect(receiver.taken.map(({ body }) => body).toSorted()).toEqual(bodies.toSorted());
  });

  it('forwards only the events of the wanted types, mailbox and direction', async () => {
    await listen(
      '--twin',
      '--type',
      'transfer.downloaded',
      '--mailbox',
      'ALICE@example.com',
      '--direction',
      'sent',
      ...fast,
    );
    const told = receiver.taken.map(({ body }) => JSON.parse(body));
    expect(told.length).toBeGreaterThan(2);
    expect(new Set(told.map(({ type, data }) => `${type} ${data.direction}`))).toEqual(
      new Set(['transfer.downloaded sent']),
    );
  });

  it('ends with 1 and the number of events that a receiver has refused', async () => {
    receiver.answer = (response) => response.writeHead(500).end();
    const ran = await listen('--twin', '--type', 'transfer.failed,transfer.active', ...fast);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/the receiver took 0 of \d+ events/);
  });

  it('forwards nothing about a mailbox that the twin does not have', async () => {
    const ran = await listen('--twin', '--mailbox', 'dora@example.com', ...fast);
    expect(ran.code).toBe(0);
    expect(ran.stderr.replaceAll(/\s+/g, ' ')).toContain('took 0 of 0 events; no event has fitted --type, --mailbox');
    expect(receiver.taken).toEqual([]);
  });

  it('counts an answer whose end Ctrl-C has cut off, and says nothing after the count', async () => {
    const interruption = new AbortController();
    receiver.answer = async (response) => {
      response.writeHead(200).write('more');
      if (receiver.taken.length < 10) return;
      // In these turns the listen reads the beginnings of the answers.
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      interruption.abort();
    };
    const ran = await run(['listen', '--forward-to', receiver.url, '--twin', '--speed', '100000'], {
      environment,
      interrupted: interruption.signal,
    });
    const lines = ran.stdout.split('\n').filter((line) => / 200 /.test(line)).length;
    const [, taken] = /the receiver took (\d+) of \d+ events/.exec(ran.stderr.replaceAll(/\s+/g, ' ')) ?? [];
    expect(lines).toBeGreaterThan(0);
    expect(Number(taken)).toBe(lines);
  });

  it('counts what a receiver that does not run has not taken, when it is stopped', async () => {
    await receiver.kill();
    const interruption = new AbortController();
    const ran = await run(['listen', '--forward-to', receiver.url, '--twin', '--speed', '100000'], {
      environment,
      interrupted: interruption.signal,
      onOutput: (text) => void (text.includes('ECONNREFUSED') && interruption.abort()),
    });
    expect(ran.stderr.replaceAll(/\s+/g, ' ')).toMatch(/the receiver took 0 of [1-9]\d* events/);
    await receiver.start();
  });

  it('replays a history to a day after its end, unless other days are wanted', async () => {
    const file = join(folder, 'long.jsonl');
    const happenings = [
      { at: '2026-01-05T08:00:00Z', transfer: 1, is: 'sent' },
      { at: '2026-03-05T08:00:00Z', transfer: 1, is: 'state', state: 'ACTIVE' },
    ];
    writeFileSync(file, happenings.map((one) => JSON.stringify(one)).join('\n'));
    const args = ['listen', '--forward-to', receiver.url, '--twin', '--history', file];
    const begun = (...more: string[]) => run([...args, ...more], { environment, interrupted: AbortSignal.abort() });
    expect((await begun()).stdout).toContain('long.jsonl, 61 days');
    expect((await begun('--days', '2')).stdout).toContain('long.jsonl, 2 days');
  });

  it('refuses a history of more days than a twin may have, unless its beginning suffices', async () => {
    const file = join(folder, 'ages.jsonl');
    writeFileSync(
      file,
      '{"at":"2026-01-05T08:00:00Z","transfer":1,"is":"sent"}\n{"at":"2099-01-05T08:00:00Z","transfer":2,"is":"sent"}',
    );
    const args = ['listen', '--forward-to', receiver.url, '--twin', '--history', file];
    const begun = (...more: string[]) => run([...args, ...more], { environment, interrupted: AbortSignal.abort() });
    expect(await begun()).toMatchObject({ code: 2, stderr: expect.stringContaining('expected at most 400') });
    expect(await begun('--days', '3')).toMatchObject({ code: 0 });
  });

  it('replays a history of numbers and states', async () => {
    const file = join(folder, 'history.jsonl');
    const at = '2026-03-02T09:00:10Z';
    writeFileSync(file, JSON.stringify({ at, transfer: 1, is: 'sent', mailbox: 3 }));
    expect(await listen('--twin', '--history', file, ...fast)).toMatchObject({ code: 0 });
    expect(receiver.taken.map(({ body }) => JSON.parse(body))).toMatchObject([
      { type: 'transfer.processing', timestamp: '2026-03-02T09:01:00.000Z', data: { mailbox: 'carol@example.com' } },
    ]);
    writeFileSync(file, '{"at":"2026"}');
    const wrong = await listen('--twin', '--history', file);
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.stderr).toContain('history.jsonl is no history: line 1: ');
    expect(await listen('--twin', '--history', join(folder, 'none'))).toMatchObject({ code: 2 });
  });

  it.each([
    [['--twin', '--url', 'http://127.0.0.1:1'], '--url is for a notifier, and a twin is none'],
    [['--twin', '--from', '1h'], '--from is for a notifier'],
    [['--url', 'http://127.0.0.1:1', '--seed', '7'], '--seed is for a twin: add --twin'],
    [['--url', 'http://127.0.0.1:1', '--history', 'mine.jsonl'], '--history is for a twin: add --twin'],
    [['--twin', '--type', 'transfer.faild'], 'Unknown: transfer.faild. Expected some of'],
  ])('refuses %j with the reason', async (args, reason) => {
    const ran = await listen(...args);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(reason);
    expect(receiver.taken).toEqual([]);
  });

  it.each([
    ['Ctrl-C', (ran: LocalRun) => ran.kill('SIGINT')],
    ['a closed pipe', (ran: LocalRun) => ran.leave()],
  ])('ends with 0 at %s, and says how far it came', async (_, end) => {
    const args = ['listen', '--twin', '--forward-to', receiver.url, '--speed', '100000', '--days', '400'];
    const ran = new LocalRun(args, environment, { program: [process.execPath, 'infra/cli/main.ts'] });
    onTestFinished(() => void ran.kill('SIGKILL'));
    await ran.line(({ text = '' }) => text.includes(' 204 '));
    end(ran);
    expect(await ran.exit()).toBe(0);
    expect(ran.stderr).toMatch(/stopped before the twin's days are over: the receiver took \d+ of \d+ events/);
  });

  it('takes a twin in a folder without a run and a configuration', async () => {
    const program = [process.execPath, resolve('infra/cli/main.ts')];
    const ran = new LocalRun(['listen', '--forward-to', receiver.url, ...fast], environment, { program, cwd: folder });
    onTestFinished(() => void ran.kill('SIGKILL'));
    expect(await ran.exit()).toBe(0);
    expect(ran.stdout).toContain('a twin of the server: seed 1');
    expect(receiver.taken.length).toBeGreaterThan(10);
  });
});

describe('trigger --session', () => {
  /** Runs a command once a listen has printed how to reach it, and then ends the listen. */
  async function duringListen(command: (session: string) => Promise<unknown>, until: () => boolean) {
    const interruption = new AbortController();
    let printed = '';
    let isBegun = false;
    const listening = run(
      ['listen', '--twin', '--type', 'watch.failing', '--forward-to', receiver.url, '--speed', '1'],
      {
        environment,
        interrupted: interruption.signal,
        onOutput: (text) => {
          printed += text;
        },
        async sleep() {
          await new Promise((next) => setImmediate(next));
          const [, session] = /trigger TYPE (--session(?: http:\S+)?)/.exec(printed) ?? [];
          if (session && !isBegun) {
            isBegun = true;
            await command(session);
          }
          if (isBegun && until()) interruption.abort();
        },
      },
    );
    return listening;
  }

  it('hands made-up events to a listen, which signs and forwards them, marked as tests', async () => {
    const ran = { code: -1, stdout: '', stderr: '' };
    const listened = await duringListen(
      async (session) => {
        const args = ['trigger', 'transfer.active', ...session.split(' '), '--times', '20', '--twice', '--seed', '5'];
        Object.assign(ran, await run(args));
      },
      () => receiver.taken.length >= 40,
    );
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('handed 40 requests (seed 5)') });
    expect(receiver.taken).toHaveLength(40);
    expect(new Set(receiver.taken.map(({ id }) => id)).size).toBe(20);
    for (const { id, headers } of receiver.taken) {
      expect(id).toMatch(/^evt_0000test/);
      expect(headers['transfer-notifier-test']).toBe('trigger');
    }
    expect(listened.stdout).toMatch(/ 204 .* transfer\.active /);
  });

  it('does not count them among the events of the twin', async () => {
    receiver.answer = (response) => response.writeHead(500).end();
    const listened = await duringListen(
      async (session) => {
        await run(['trigger', 'transfer.active', ...session.split(' ')]);
      },
      () => receiver.taken.length >= 5,
    );
    expect(listened.stderr.replaceAll(/\s+/g, ' ')).toContain('the receiver took 0 of 0 events');
  });

  it('ends while the receiver does not run, and hands nothing over again until the listen has forwarded that', async () => {
    await receiver.kill();
    const ends: unknown[] = [];
    await duringListen(
      async (session) => {
        const args = ['trigger', 'transfer.active', ...session.split(' '), '--times', '300'];
        ends.push(await run(args), await run(args));
      },
      () => ends.length === 2,
    );
    expect(ends).toMatchObject([
      { code: 0, stdout: expect.stringContaining('results show in the listen at') },
      { code: 1, stderr: expect.stringContaining('try again later, or end that listen') },
    ]);
  });

  it('takes nothing but made-up events, as any program of this machine may send them', async () => {
    const answers: number[] = [];
    await duringListen(
      async (session) => {
        const address = session.split(' ')[1] ?? usualSession;
        const event = { id: 'evt_real', type: 'transfer.active', timestamp: new Date().toISOString(), data: {} };
        const post = (body: string, headers = {}) => fetch(address, { method: 'POST', body, headers });
        answers.push((await post(JSON.stringify({ events: [event], isTwice: false }))).status);
        answers.push((await post('nothing')).status);
        answers.push((await post('x'.repeat(3_000_000))).status);
        const made = { events: [{ ...event, id: 'evt_0000test1' }], isTwice: false };
        answers.push((await post(JSON.stringify(made), { origin: 'https://evil.example' })).status);
      },
      () => true,
    );
    expect(answers).toEqual([400, 400, 413, 403]);
    expect(receiver.taken).toEqual([]);
  });

  it.each([
    [[], 'expected either --to URL, or --session'],
    [['--to', 'http://localhost/', '--session'], 'expected either --to URL, or --session'],
    [['--session', 'https://example.com'], 'expected the address that listen prints'],
    [['--session', 'http://example.com'], 'expected the address that listen prints'],
    [['--session', 'https://127.0.0.1:4297'], 'expected the address that listen prints'],
  ])('refuses %j with the reason', async (args, reason) => {
    const ran = await run(['trigger', 'transfer.active', ...args]);
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining(reason) });
  });

  it('says how to start a listen where none runs', async () => {
    const ran = await run(['trigger', 'transfer.active', '--session', 'http://127.0.0.1:9']);
    expect(ran).toMatchObject({ code: 4, stderr: expect.stringContaining('listen --forward-to URL') });
  });
});
