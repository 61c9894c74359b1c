import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FollowingWatch, followable, type Problem } from '#functions/transfers/follow.ts';
import { complaintsAbout, type FollowEvent, type Judged } from '#test/support/follow-judgement.ts';
import { type ExpectedNews, expectedNews, type Look } from '#test/support/follow-oracle.ts';
import { followPlan } from '#test/support/follow-steps.ts';
import { type FollowedLives, type LiveFacts, liveThrough } from '#test/support/followed-life.ts';
import { alice, bob, call, receivedBy, sentBy, startServer } from './client.ts';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const lives = Number(process.env.LIVES ?? 20);
const now = Date.parse('2030-01-01T12:00:00Z');
const hour = 3_600_000;
const sent: FollowingWatch = { mailbox: alice, direction: 'sent', follow: followable };
const received: FollowingWatch = { mailbox: bob, direction: 'received', follow: followable };
const people = { sender: alice, to: [bob] };

type Server = Awaited<ReturnType<typeof startServer>>;

const fieldsOfFacts =
  'trackingId,status(state,warnings,emlCreationFailed,sender(notificationFailed),files(removed),' +
  'recipients(mail,notificationFailed,fileDownloads(downloads))),transfer(expirationDate)';

/** Facts of each transfer as the REST API tells them, in a simple form. */
async function toldBy(server: Server, { direction, mailbox }: FollowingWatch): Promise<Map<string, unknown>> {
  const listing = direction === 'sent' ? sentBy : receivedBy;
  const { data } = (await call(server, listing(mailbox, `?page-size=100&fields=${fieldsOfFacts}`))).body;
  const toldOf = ({ trackingId, status, transfer }: Item) => {
    const recipients = status.recipients.filter(({ mail }) => direction === 'sent' || mail === mailbox);
    const downloadsOf = ({ fileDownloads }: Item['status']['recipients'][number]) =>
      fileDownloads.flatMap(({ downloads }) => downloads);
    const problems: Problem[] = [
      ...(recipients.some(({ notificationFailed }) => notificationFailed) ? ['recipient_not_notified' as const] : []),
      ...(status.sender.notificationFailed ? ['sender_not_notified' as const] : []),
      ...(status.files.some(({ removed }) => removed) ? ['files_removed' as const] : []),
      ...(status.emlCreationFailed ? ['message_not_created' as const] : []),
    ];
    const firsts = recipients.map((recipient) => {
      const dates = downloadsOf(recipient).map(({ downloadDate }) => downloadDate && Date.parse(downloadDate));
      const dated = dates.filter((date) => date !== null).sort();
      return dates.length === 0 ? 'nothing' : (dated[0] ?? 'undated');
    });
    const { expirationDate } = transfer;
    return [
      trackingId,
      {
        state: status.state,
        firsts,
        problems: problems.length === 0 && status.warnings ? ['other'] : problems,
        expiresAt: expirationDate && Date.parse(expirationDate),
      },
    ] as const;
  };
  return new Map(data.map(toldOf));
}

interface Item {
  readonly trackingId: string;
  readonly status: {
    readonly state: string;
    readonly warnings: boolean;
    readonly emlCreationFailed: boolean;
    readonly sender: { readonly notificationFailed: boolean };
    readonly files: readonly { readonly removed: boolean }[];
    readonly recipients: readonly {
      readonly mail: string;
      readonly notificationFailed: boolean;
      readonly fileDownloads: readonly { readonly downloads: readonly { readonly downloadDate: string | null }[] }[];
    }[];
  };
  readonly transfer: { readonly expirationDate: string | null };
}

const simple = ({ state, persons, problems, expiresAt }: LiveFacts) => ({
  state,
  firsts: [...persons.values()].map((fetch) => (fetch ? (fetch.at ?? 'undated') : 'nothing')),
  problems,
  expiresAt,
});

/** Events with the expected news of looks, as a notifier without faults would tell them. */
function eventsOf(looks: readonly Look[], watch: FollowingWatch): FollowEvent[] {
  let told = 0;
  return expectedNews(looks, watch).flatMap((news, index) =>
    news.map(({ type, fetch, expiresAt, ...data }: ExpectedNews): FollowEvent => {
      if (type === 'transfer.downloaded') told += 1;
      const date = fetch?.at ? { downloadedAt: `${new Date(fetch.at).toISOString().slice(0, 16)}:00.000Z` } : {};
      const fetchData = fetch ? { recipient: told, method: fetch.methods[0]!, ...date } : {};
      const end = expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() };
      return { type, timestamp: new Date(looks[index]!.at).toISOString(), data: { ...data, ...fetchData, ...end } };
    }),
  );
}

describe('FollowedLives', () => {
  it.each([sent, received])(
    `knows what the server tells to a watch of $direction transfers (SEED=${seed})`,
    async (watch) => {
      await fc.assert(
        fc.asyncProperty(followPlan, async (plan) => {
          const server = await startServer();
          await liveThrough(plan, { watch, people }, server, server.advance, async (lives, ids) => {
            server.verifications.grantToken(
              { mailbox: watch.mailbox, clientId: 'ExampleClientId'.padEnd(50, '0') },
              'example-token-1',
            );
            const told = await toldBy(server, watch);
            for (const id of ids) {
              const { facts } = lives.life(id).moments.at(-1)!;
              // Two recipients with one id count as one person.
              if (facts && lives.life(id).isClear) expect(told.get(id)).toEqual(simple(facts));
            }
          });
          await server.close();
        }),
        { numRuns: lives, seed, endOnFailure: true },
      );
    },
  );
});

describe('complaintsAbout', () => {
  it(`accepts the news that looks must give, and finds any that is repeated (SEED=${seed})`, async () => {
    let found = 0;
    const watches = fc.constantFrom(sent, received);
    await fc.assert(
      fc.asyncProperty(followPlan, watches, fc.nat(), async (plan, watch, pick) => {
        const server = await startServer();
        const looks = new Map<string, Look[]>();
        let all: { lives: FollowedLives; ids: readonly string[] } | undefined;
        const look = async (lives: FollowedLives, ids: readonly string[]) => {
          const isSilent = all === undefined;
          all = { lives, ids };
          for (const id of ids) {
            const { facts } = lives.life(id).moments.at(-1)!;
            looks.set(id, [...(looks.get(id) ?? []), { at: server.clock.now(), facts, isSilent }]);
          }
        };
        const last = { afterMs: 1000, what: { kind: 'look' as const } };
        await liveThrough({ ...plan, steps: [...plan.steps, last] }, { watch, people }, server, server.advance, look);
        for (const [id, seen] of looks) {
          const silentUntil = seen[0]!.isSilent ? seen[0]!.at : undefined;
          const life = all!.lives.life(id);
          if (!life.isClear) continue;
          const judged: Judged = { life, silentUntil, isSettled: true, endsAt: server.clock.now() };
          const events = eventsOf(seen, watch);
          expect(complaintsAbout(judged, events, watch)).toEqual([]);
          const chosen = events[pick % events.length];
          // Trouble may come and go unseen, and may be told again; so may fetches of a transfer that has ended.
          if (!chosen || chosen.type.startsWith('transfer.problem')) continue;
          found += 1;
          expect(complaintsAbout(judged, [...events, chosen], watch)).not.toEqual([]);
        }
        await server.close();
      }),
      { numRuns: lives, seed, endOnFailure: true },
    );
    expect(found).toBeGreaterThan(lives / 20);
  });

  const moment = (facts: Partial<LiveFacts> = {}, at = now) => ({
    at,
    facts: { state: 'ACTIVE', persons: new Map([['bob', null]]), problems: [], expiresAt: null, ...facts },
  });
  const fetched = { persons: new Map([['bob', { methods: ['viewed' as const], at: now }]]) };
  const minute = new Date(now).toISOString();
  const timestamp = new Date(now + 1000).toISOString();
  const download = { recipient: 1, recipients: 1, downloadedBy: 1, method: 'viewed' as const, downloadedAt: minute };

  it.each<[string, ReturnType<typeof moment>[], FollowEvent[], string]>([
    ['a lost download', [moment(), moment(fetched)], [], 'told 0 of 1'],
    ['a false download', [moment()], [{ type: 'transfer.downloaded', timestamp, data: download }], 'no '],
    [
      'another method',
      [moment(fetched)],
      [{ type: 'transfer.downloaded', timestamp, data: { ...download, method: 'downloaded' } }],
      'no other has downloaded',
    ],
    [
      'a download before its time',
      [moment({}, now - hour), moment(fetched, now + hour)],
      [{ type: 'transfer.downloaded', timestamp, data: download }],
      'no one has fetched',
    ],
    ['a false end', [moment()], [{ type: 'transfer.downloaded_by_all', timestamp, data: {} }], 'not fetched by all'],
    ['a lost end', [moment({ expiresAt: now + hour })], [], 'not told that it is overdue'],
    [
      'an overdue transfer that all have fetched',
      [moment({ ...fetched, expiresAt: now + hour })],
      [{ type: 'transfer.overdue', timestamp, data: { expiresAt: new Date(now + hour).toISOString() } }],
      'not overdue',
    ],
    [
      'an early overdue event',
      [moment({ expiresAt: now + 72 * hour })],
      [{ type: 'transfer.overdue', timestamp, data: { expiresAt: new Date(now + 72 * hour).toISOString() } }],
      'not overdue',
    ],
    ['a lost problem', [moment(), moment({ problems: ['other'] })], [], 'not told of other'],
    [
      'a false problem',
      [moment()],
      [{ type: 'transfer.problem', timestamp, data: { problems: ['files_removed'] } }],
      'never in trouble',
    ],
    ['a false resolution', [moment()], [{ type: 'transfer.problem_resolved', timestamp, data: {} }], 'never resolved'],
    [
      'a lost resolution',
      [moment({ problems: ['other'] }), moment()],
      [{ type: 'transfer.problem', timestamp, data: { problems: ['other'] } }],
      'all is well',
    ],
  ])('finds %s', (_, moments, events, complaint) => {
    const judged = { life: { moments, isClear: true }, silentUntil: undefined, isSettled: true, endsAt: now + 1000 };
    expect(complaintsAbout(judged, events, sent).join()).toContain(complaint);
  });
});

describe('expectedNews', () => {
  const facts = (changes: Partial<LiveFacts>): LiveFacts => ({
    state: 'ACTIVE',
    persons: new Map([
      ['bob', null],
      ['carol', null],
    ]),
    problems: [],
    expiresAt: now + 720 * hour,
    ...changes,
  });
  const fetch = { methods: ['downloaded' as const], at: now };
  const byBob = new Map([
    ['bob', fetch],
    ['carol', null],
  ]);
  const byBoth = new Map([
    ['bob', fetch],
    ['carol', fetch],
  ]);

  it.each<[string, Partial<LiveFacts>[], string[][]]>([
    ['a first fetch once', [{}, { persons: byBob }, { persons: byBob }], [[], ['downloaded'], []]],
    ['those of the baseline never', [{ persons: byBob }, { persons: byBob }], [[], []]],
    ['that all have fetched', [{}, { persons: byBoth }], [[], ['downloaded', 'downloaded', 'downloaded_by_all']]],
    [
      'each later end once',
      [{}, { expiresAt: now + hour }, { expiresAt: now + hour }, { expiresAt: now }, { expiresAt: now + 2 * hour }],
      [[], ['overdue'], [], [], ['overdue']],
    ],
    ['no end that all have fetched', [{ persons: byBoth }, { persons: byBoth, expiresAt: now + hour }], [[], []]],
    [
      'problems that come and go',
      [{}, { problems: ['other'] }, { problems: ['files_removed', 'other'] }, { problems: ['other'] }, {}],
      [[], ['problem'], ['problem'], [], ['problem_resolved']],
    ],
    [
      'the last fetches of a transfer that has ended, and nothing else',
      [{}, { state: 'DELETED_BY_EXPIRATION', persons: byBob, problems: ['other'], expiresAt: now }, {}],
      [[], ['downloaded'], []],
    ],
  ])('tells %s', (_, lives, news) => {
    const looks = lives.map((changes, index) => ({ at: now, facts: facts(changes), isSilent: index === 0 }));
    const types = expectedNews(looks, sent).map((each) => each.map(({ type }) => type.replace('transfer.', '')));
    expect(types).toEqual(news);
  });
});
