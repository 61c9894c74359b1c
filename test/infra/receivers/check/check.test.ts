import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { checkReceiver } from '#infra/receivers/check/check.ts';
import { countBy } from '#infra/receivers/check/processed.ts';
import { requestKinds } from '#infra/receivers/check/request-kinds.ts';
import { receivingWebhooks } from '#test/docs/document-blocks.ts';
import { type Fault, type PlantedReceiver, plantedReceiver } from './planted-receiver.ts';

const started: Pick<PlantedReceiver, 'close'>[] = [];
afterAll(() => {
  for (const receiver of started) receiver.close();
});

async function checked(fault?: Fault, counts = true, totalMs = 120_000) {
  const secret = newSecret();
  const receiver = await plantedReceiver(secret, fault);
  started.push(receiver);
  const findings = await checkReceiver({
    url: receiver.url,
    secret,
    count: counts ? async () => receiver.processed() : undefined,
    answerMs: fault === 'slow' ? 200 : 15_000,
    totalMs,
    now: () => new Date(),
    sleep: (ms) => (fault?.startsWith('works later') ? sleep(ms) : new Promise((resolve) => setImmediate(resolve))),
  });
  const named = (verdict: string) => findings.filter((finding) => finding.verdict === verdict).map(({ name }) => name);
  return { receiver, findings, broken: named('broken'), notJudged: named('not judged') };
}

// Each has a receiver of its own, and mostly waits for it.
describe.concurrent('the check of a receiver', () => {
  it('finds nothing wrong with a receiver that is right', async () => {
    expect((await checked()).findings.filter(({ verdict }) => verdict !== 'good')).toEqual([]);
  });

  it('waits for work that a receiver does after its answer', async () => {
    expect((await checked('works later')).broken).toEqual([]);
  });

  it('does not judge repetitions and order without a number of processed events, and says how to', async () => {
    const { findings, broken, notJudged } = await checked(undefined, false);
    expect(broken).toEqual([]);
    expect(notJudged).toEqual(['same id twice at once', 'same id again later', 'older event after a newer one']);
    for (const { says, verdict } of findings) if (verdict === 'not judged') expect(says).toContain('--processed');
  });

  it('sends some 70 requests, as its help and the page say', async () => {
    const { receiver } = await checked();
    expect(Math.round(receiver.arrived.length / 10)).toBe(7);
    for (const text of [receivingWebhooks, readFileSync('infra/receivers/check/command.ts', 'utf8')]) {
      expect(text).toContain('some 70 requests');
    }
  });

  it('follows no redirect, and sends nothing more to a receiver that refuses a good request', async () => {
    const { receiver, notJudged } = await checked('redirects');
    expect(receiver.arrived).toHaveLength(1);
    expect(notJudged).toHaveLength(requestKinds.length - 1);
  });

  it('ends at once at Ctrl-C, also while a receiver gives no answer', async () => {
    const stop = new AbortController();
    const silent = createServer(() => stop.abort()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    started.push({ close: () => silent.close() });
    const url = new URL(`http://127.0.0.1:${(silent.address() as AddressInfo).port}/`);
    const findings = await checkReceiver({
      ...{ url, secret: newSecret(), count: undefined, answerMs: 600_000, totalMs: 600_000 },
      ...{ now: () => new Date(), sleep: async () => {}, signal: stop.signal },
    });
    expect(new Set(findings.map(({ says }) => says))).toEqual(new Set(['the check was stopped']));
    expect(findings).toHaveLength(requestKinds.length);
  });

  it.each(['a URL', 'a command'])(
    'ends at once at Ctrl-C, also while %s gives no number of processed events',
    async (kind) => {
      const stop = new AbortController();
      const silent = createServer(() => {}).listen(0, '127.0.0.1');
      await once(silent, 'listening');
      started.push({ close: () => silent.close() });
      const url = new URL(`http://127.0.0.1:${(silent.address() as AddressInfo).port}/`);
      // Without an end of its input, it waits for ever.
      const read = countBy(kind === 'a URL' ? url.href : 'cat');
      const findings = await checkReceiver({
        ...{ url, secret: newSecret(), answerMs: 600_000, totalMs: 600_000, now: () => new Date() },
        ...{ sleep: async () => {}, signal: stop.signal },
        count(signal) {
          setImmediate(() => stop.abort());
          return read(signal);
        },
      });
      expect(new Set(findings.map(({ says }) => says))).toEqual(new Set(['the check was stopped']));
    },
  );

  it('waits ten seconds for what is processed after the answers, also where counting it is slow', async () => {
    const secret = newSecret();
    const receiver = await plantedReceiver(secret);
    started.push(receiver);
    let time = Date.now();
    let counts = 0;
    const count = async () => {
      counts += 1;
      time += 4000;
      return 0;
    };
    await checkReceiver({
      ...{ url: receiver.url, secret, count, answerMs: 15_000, totalMs: 120_000 },
      ...{ now: () => new Date(time), sleep: async () => {} },
    });
    // One before, and three until the time is over; the other kinds are not sent then.
    expect(counts).toBe(4);
  });

  it('sends no further kind of request when its time is over', async () => {
    const { receiver, notJudged } = await checked(undefined, true, -1);
    expect(receiver.arrived).toEqual([]);
    expect(notJudged).toHaveLength(requestKinds.length);
  });

  it('marks all its requests as tests and sends at most 120', async () => {
    const { receiver } = await checked('500 in a burst');
    expect(receiver.arrived.length).toBeLessThanOrEqual(120);
    for (const { id, mark } of receiver.arrived) {
      expect(id).toMatch(/^evt_0000test0/);
      expect(mark).toBe('check');
    }
  });

  it.each<[Fault, RegExp, string[]]>([
    ['serializes again', /parsed and serialized/, ['JSON with other blanks and escapes']],
    [
      'ignores the timestamp',
      /6 minutes old/,
      ['old timestamp', 'future timestamp', 'replay of a request after its time'],
    ],
    ['ignores the future', /6 minutes ahead/, ['future timestamp']],
    ['accepts no signature', /without webhook-signature/, ['no signature']],
    [
      'accepts any signature',
      /another secret/,
      [
        'signature by a wrong secret',
        'no signature',
        'old timestamp',
        'future timestamp',
        'replay of a request after its time',
      ],
    ],
    ['first signature only', /first signature/, ['both signatures of a rotation', 'signature of an unknown version']],
    ['repetition before verification', /replayed/, ['replay of a request after its time']],
    ['no memory of ids', /handled: keep/, ['same id twice at once', 'same id again later']],
    ['looks up before the work', /twice at the same time/, ['same id twice at once']],
    ['takes older states', /overwrites a newer/, ['older event after a newer one']],
    ['400 on unknown type', /unknown type/, ['unknown type']],
    ['400 on unknown field', /unknown field/, ['unknown field']],
    ['limit of 10 KB', /19 KB.*413/, ['body of 19 KB']],
    ['first piece only', /first piece/, ['body sent slowly in pieces']],
    ['processes on GET', /by HEAD or GET/, ['HEAD and GET']],
    ['stores the id before the work', /loses the event/, ['burst of 50']],
    ['500 in a burst', /fails in a burst.*500/, ['burst of 50']],
    ['redirects', /307: redirects are not followed/, ['good request']],
    ['slow', /no answer within 0.2 s/, ['good request']],
    ['works later, and again', /handled: keep/, ['same id twice at once', 'same id again later']],
    ['answers before losing', /does not process every event/, ['good request']],
  ])('finds and names a receiver with the fault: %s', async (fault, says, names) => {
    const { findings, broken } = await checked(fault);
    expect(broken).toEqual(names);
    const about = findings.filter(({ name }) => names.includes(name)).map((finding) => finding.says);
    expect(about.join('\n')).toMatch(says);
  });

  it('names only paragraphs that the page has', () => {
    for (const { paragraph } of requestKinds) {
      const [heading, item] = paragraph.split(', item ');
      const section = receivingWebhooks.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
      expect(section, paragraph).not.toBe('');
      if (item) expect(section).toContain(`\n${item}. **`);
    }
  });
});
