import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answers } from '#infra/api/answers.ts';
import { hostileTexts } from '#test/functions/notices/hostile-notices.ts';
import { startOperatorApi } from '#test/infra/cli/scripted-api.ts';
import { clientId } from '#test/support/poll-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';
import {
  bytesOf,
  type ConsoleWorld,
  type OpenConsole,
  openConsole,
  startConsoleWorld,
  textIn,
} from './console-world.ts';

const alice = 'mailbox=alice%40example.com';

describe('the pages of transfers', () => {
  let world: ConsoleWorld;
  beforeAll(async () => {
    world = await startConsoleWorld();
    world.cryptshare.verifications.registerClientId(clientId);
    await world.ask('POST', '/watches', { body: { mailbox: 'alice@example.com' } });
    const sent = { sender: 'alice@example.com', to: ['bob@example.com'] };
    world.cryptshare.transfers.seed({ ...sent, count: 60, state: 'ACTIVE' });
    world.cryptshare.transfers.seed({ ...sent, count: 2, state: 'FAILED' });
    await world.ask('POST', '/watches/sent/alice%40example.com/poll');
  });
  afterAll(() => world.close());

  const idsIn = (page: string) => [...page.matchAll(/href="\/transfer\?id=([^"]*)"/g)].map(([, id]) => id!);

  it('list the watches, each with a link to its transfers', async () => {
    const { body } = await world.console.ask('/transfers');
    expect(body).toContain('<a href="/transfers?mailbox=alice%40example.com&amp;direction=sent">');
  });

  it('list all transfers of a watch page by page, each once', async () => {
    const ids: string[] = [];
    let path: string | undefined = `/transfers?${alice}&direction=sent`;
    let pages = 0;
    while (path !== undefined) {
      const { status, body } = await world.console.ask(path);
      expect(status).toBe(200);
      ids.push(...idsIn(body));
      path = /href="([^"]*)" rel="next"/.exec(body)?.[1]?.replaceAll('&amp;', '&');
      pages += 1;
    }
    expect([ids.length, new Set(ids).size, pages > 1]).toEqual([62, 62, true]);
  });

  it('list those in a state', async () => {
    const { body } = await world.console.ask(`/transfers?${alice}&state=FAILED`);
    expect(idsIn(body)).toHaveLength(2);
    expect(body).toContain('<option value="FAILED" selected>');
  });

  it('list those in their state since a day, and say when there is none', async () => {
    expect(idsIn((await world.console.ask(`/transfers?${alice}&since=2026-11-24`)).body)).not.toEqual([]);
    expect(await world.console.read(`/transfers?${alice}&since=2026-11-25`)).toContain('No such transfers are known.');
  });

  it('say that nothing of the sort is known', async () => {
    expect(await world.console.read(`/transfers?${alice}&state=PROCESSING`)).toContain('No such transfers are known.');
  });

  it('explain a transfer of the baseline: why there is no event', async () => {
    const id = idsIn((await world.console.ask(`/transfers?${alice}`)).body)[0]!;
    const { status, body } = await world.console.ask(`/transfer?id=${id}`);
    expect(status).toBe(200);
    expect(textIn(body)).toContain('stored it without an event, and it has not changed since');
    expect(textIn(body)).toContain(`npm run notifier -- explain ${decodeURIComponent(id)}`);
  });

  it('tell what came of an event for each subscriber, why, and the command that changes it', async () => {
    for (const [name, types] of [
      ['crm', ['transfer.*']],
      ['audit', ['watch.*']],
    ] as const)
      await world.ask('POST', '/endpoints', { body: { name, url: world.urlOf(name), types } });
    await world.ask('POST', '/endpoints/crm/pause');
    await world.fanOut(exampleEvent('told'));
    await world.answerWakeUps();
    const text = await world.console.read('/transfer?id=told');
    expect(text).toMatch(/crm webhook paused held: paused failed/);
    expect(text).toContain('npm run notifier -- endpoint resume crm');
    expect(text).toContain('npm run notifier -- endpoint recover crm');
    expect(text).toMatch(/audit webhook type not wanted failed/);
    expect(text).toContain('types is watch.*');
    expect(text).toMatch(/Timeline .* event made .* handed to subscribers .* held/);
    expect(await world.console.read('/transfer?id=told', 'de')).toMatch(/Art nicht gewünscht .* angehalten .* Verlauf/);
  });

  it('narrow the explanation down to one subscriber', async () => {
    const text = await world.console.read('/transfer?id=told&subscriber=crm');
    expect(text).toContain('Only for crm.');
    expect(text).not.toContain('audit');
  });

  it.each(['unknown-id', '..', '%3Cscript%3E', 'a%2F..%2F..%2Fstatus'])(
    'say that a transfer is not known, and look again: %s',
    async (id) => {
      const { status, body } = await world.console.ask(`/transfer?id=${id}`);
      expect(status).toBe(404);
      expect(body).not.toMatch(/<script>|works/);
    },
  );

  it.each(['%00', 'a%20b', `${'x'.repeat(201)}`, '%F0%9F%98%80'])('say what is wrong with the id %s', async (id) => {
    const { status, body } = await world.console.ask(`/transfer?id=${id}`);
    expect(status).toBe(400);
    expect(textIn(body)).toContain('expected a tracking id');
  });

  it('ask for an id where none was given', async () => {
    expect((await world.console.ask('/transfer?id=')).status).toBe(200);
    expect(await world.console.read('/transfer')).toContain('Tracking id');
  });
});

const api = await startOperatorApi();

describe('an explanation', () => {
  let console: OpenConsole;
  beforeAll(async () => {
    console = await openConsole(api.url);
  });
  afterAll(() => console.close());

  const at = '2026-11-24T12:00:00.000Z';
  const longName = (index: number) => `${'n'.repeat(60)}${index}`;

  /** The largest answer of the API. */
  const largest = (id: string): Answers['explainTransfer'] => ({
    trackingId: id,
    finding: 'told',
    seen: [
      {
        trackingId: id,
        state: 'X'.repeat(64),
        since: at,
        firstSeenAt: at,
        isListed: true,
        mailbox: `${'m'.repeat(240)}@example.com`,
        direction: 'sent',
      },
    ],
    timeline: Array.from({ length: 2000 }, (_, index) => ({
      at,
      kind: 'attempt',
      event: `evt_${index}`,
      endpoint: longName(index),
      attempt: 1,
      status: 500,
      durationMs: 1,
      outcome: 'retry',
    })),
    subscribers: Array.from({ length: 100 }, (_, index) => ({
      name: longName(index),
      isReader: false,
      status: 'active',
      verdicts: Array.from({ length: 100 }, (_, event) => ({
        ...{
          event: `evt_${event}`,
          type: 'transfer.failed',
          at,
          verdict: 'waits_for_retry',
          nextAttemptAt: at,
          attempts: 3,
        },
        proof: { row: `EVENT#${'r'.repeat(150)} DELIVERY#${'r'.repeat(150)}` },
      })),
    })),
    hasMore: true,
  });

  it.each(['', '&subscriber=crm'])('stays below 60 KB, however much there is%s', async (query) => {
    const id = 'i'.repeat(200);
    api.on(`GET /transfers/${id}/explanation`, { body: largest(id) });
    const { status, body } = await console.ask(`/transfer?id=${id}${query}`);
    expect(status).toBe(200);
    expect(await bytesOf(console, `/transfer?id=${id}${query}`)).toBeLessThan(60_000);
    expect(body.match(/<details>/g)).toHaveLength(60);
    expect(body.match(/<tr>/g)!.length).toBeLessThan(105);
    expect(textIn(body)).toMatch(/left out/);
  });

  it('shows all events of an explanation for one subscriber, and no link that leads to the same page', async () => {
    const id = 'j'.repeat(200);
    const told = largest(id);
    api.on(`GET /transfers/${id}/explanation`, { body: { ...told, subscribers: told.subscribers.slice(0, 1) } });
    const path = `/transfer?id=${id}&subscriber=crm`;
    const { body } = await console.ask(path);
    expect(body.match(/<details>/g)).toHaveLength(100);
    expect(textIn(body)).not.toMatch(/older event/);
    expect(await bytesOf(console, path)).toBeLessThan(60_000);
  });

  it('says how the last attempt ended beside a verdict that this explains', async () => {
    const told = largest('t-2');
    const [subscriber] = told.subscribers;
    const failing = { ...subscriber!, name: 'crm', verdicts: subscriber!.verdicts.slice(0, 1) };
    const timeline = [{ ...told.timeline[0]!, kind: 'attempt', event: 'evt_0', endpoint: 'crm', status: 503 }] as const;
    api.on('GET /transfers/t-2/explanation', { body: { ...told, timeline, subscribers: [failing] } });
    const { body } = await console.ask('/transfer?id=t-2');
    expect(textIn(body).split('Timeline')[0]).toMatch(/after 3 attempts\s+\(\s*HTTP 503\s*\)/);
  });

  it('asks for all that is stored, and says where that is more than an answer has', async () => {
    api.on('GET /transfers/t-1/explanation', { body: largest('t-1') });
    const { body } = await console.ask('/transfer?id=t-1&subscriber=crm');
    expect(api.requests.at(-1)!.url).toMatch(/\/t-1\/explanation\?.*all=true/);
    expect(textIn(body)).toContain('There is more than one page shows');
  });

  /** An explanation whose texts are all the same. */
  const saying = (text: string): Answers['explainTransfer'] => ({
    ...largest('t-1'),
    seen: [{ ...largest('t-1').seen[0]!, state: text, mailbox: text }],
    timeline: [
      { at, kind: 'event', event: text, type: text, state: text, mailbox: text, direction: 'sent' },
      { at, kind: 'attempt', event: text, endpoint: text, attempt: 1, outcome: text, code: text, failure: 'tls' },
      { at, kind: 'cancelled', event: text, endpoint: text, cause: text },
    ],
    subscribers: [
      {
        ...{ name: text, isReader: true, status: 'active' },
        verdicts: [
          {
            ...{ event: text, type: text, at, verdict: 'unknown', reason: text, digest: text },
            proof: { setting: text, value: [text] },
          },
        ],
      },
    ],
  });

  /** The tags of a page, with the names of their attributes. */
  async function tagsFor(text: string): Promise<string[]> {
    api.on('GET /transfers/t-1/explanation', { body: saying(text) });
    const fresh = await openConsole(api.url);
    const { body } = await fresh.ask('/transfer?id=t-1');
    await fresh.close();
    expect(body.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cf}/u);
    return body.match(/<[^>]*>/g)!.map((tag) => tag.replaceAll(/"[^"]*"/g, '""'));
  }

  it.each([...hostileTexts, '<img src=x onerror=alert(1)>', `"'><script>alert(1)</script>`, '</main></html>', '<!--'])(
    'shows text of servers and receivers as text: %j (P22)',
    async (text) => {
      expect(await tagsFor(text)).toEqual(await tagsFor('harmless'));
    },
  );
});
