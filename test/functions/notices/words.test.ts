import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import failureCauses from '#functions/cryptshare/failures.json' with { type: 'json' };
import { entryOf, eventTypes } from '#functions/events/catalogue.ts';
import endpointCauses from '#functions/events/endpoint-causes.json' with { type: 'json' };
import de from '#functions/notices/words/de.json' with { type: 'json' };
import en from '#functions/notices/words/en.json' with { type: 'json' };
import { languages, type Phrase, wordsIn } from '#functions/notices/words/words.ts';
import { problems } from '#functions/transfers/follow.ts';
import { knownStates } from '#functions/transfers/transfer.ts';
import watchProblems from '#functions/watches/watch-problems.json' with { type: 'json' };
import { bob, digestFor, english, eventOf, german, messageFor, operatorEvents, transferOf } from './digests.ts';
import { hostileTexts } from './hostile-notices.ts';

type Catalogue = Record<string, string | Record<string, string>>;
const catalogues: Record<(typeof languages)[number], Catalogue> = { en, de };
const formsOf = (phrase: string | Record<string, string>): string[] =>
  typeof phrase === 'string' ? [phrase] : Object.values(phrase);
const placeholdersOf = (phrase: string | Record<string, string>): string[] =>
  [...new Set(formsOf(phrase).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].toSorted();

/** Causes of watch.failing: those of failures, and those that the rules of watches add. */
const watchCauses = Object.keys({ ...failureCauses, ...watchProblems });
const causes = [
  ...watchCauses.map((cause) => `cause.watch.${cause}`),
  ...Object.keys(endpointCauses).map((cause) => `cause.endpoint.${cause}`),
];

describe('the catalogues of words', () => {
  it.each(languages)('have the same phrases and placeholders in %s as in English', (language) => {
    // Events explain causes in English themselves, with details.
    const own = language === 'en' ? [] : ['original', ...causes];
    expect(Object.keys(catalogues[language]).toSorted()).toEqual([...new Set([...Object.keys(en), ...own])].toSorted());
    for (const [name, phrase] of Object.entries(en))
      expect([name, placeholdersOf(catalogues[language][name]!)]).toEqual([name, placeholdersOf(phrase)]);
    for (const name of causes) if (language !== 'en') expect(placeholdersOf(catalogues[language][name]!)).toEqual([]);
  });

  it.each(languages)('have every plural form of %s, each with all placeholders', (language) => {
    const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
    for (const [name, phrase] of Object.entries(catalogues[language])) {
      if (typeof phrase === 'string') continue;
      expect([name, Object.keys(phrase).toSorted()]).toEqual([name, pluralCategories.toSorted()]);
      expect(placeholdersOf(phrase)).toContain('{count}');
      for (const form of formsOf(phrase)) expect([name, placeholdersOf(form)]).toEqual([name, placeholdersOf(phrase)]);
    }
  });

  it('have the words of the catalogue of events in English, which templates use as well', () => {
    for (const type of eventTypes.filter((one) => one.startsWith('transfer.')))
      expect((en as Catalogue)[`is.${type}`]).toBe(entryOf(type).words);
  });

  it('have a sentence for each type of event, and for operators a headline and a text', () => {
    for (const type of eventTypes) {
      expect(en).toHaveProperty([type]);
      if (!type.startsWith('transfer.'))
        for (const part of ['headline', 'text']) expect(en).toHaveProperty([`${part}.${type}`]);
    }
  });
});

describe.each(languages)('wordsIn(%s)', (language) => {
  const phrases = Object.entries(catalogues[language]);
  const longest = 'x'.repeat(254);

  it.each([0, 1, 2, 1_000_000])('fills every phrase for a count of %i, with names of any length', (count) => {
    const { say } = wordsIn(language, 'Europe/Berlin');
    const wrong: unknown[] = [];
    const number = new Intl.NumberFormat(language === 'en' ? 'en-GB' : language).format(count);
    for (const [name, phrase] of phrases) {
      for (const text of ['a', longest, ...hostileTexts]) {
        const names = placeholdersOf(phrase).map((placeholder) => placeholder.slice(1, -1));
        const values = Object.fromEntries(names.map((one) => [one, one === 'count' ? count : text]));
        const said = say(name as Phrase, values);
        const filled = formsOf(phrase).map((form) =>
          form.replaceAll(/\{(\w+)\}/g, (_, one) => (one === 'count' ? number : text)),
        );
        const isRight = said.length > 1 && filled.includes(said) && !/undefined|NaN|\[object/.test(said);
        if (!isRight) wrong.push({ name, said, filled });
      }
    }
    expect(wrong).toEqual([]);
  });

  it('writes numbers, times and lists as usual in the language', () => {
    const words = wordsIn(language, 'Europe/Berlin');
    const shown = [
      words.time('2026-11-26T07:30:00.000Z'),
      words.time('2026-07-26T07:30:00.000Z'),
      wordsIn(language, 'Asia/Kathmandu').time('2026-11-26T07:30:00.000Z'),
      wordsIn(language).time('2026-11-26T07:30:00.000Z'),
      words.list(['a', 'b', 'c']),
      words.say('transfer.failed', { count: 1_000_000, of: '' }),
      words.time('soon'),
    ];
    const expected = {
      en: [
        '26 Nov 2026, 08:30 CET',
        '26 Jul 2026, 09:30 CEST',
        '26 Nov 2026, 13:15 GMT+5:45',
        '26 Nov 2026, 07:30 UTC',
        'a, b and c',
        '1,000,000 transfers failed',
        '?',
      ],
      de: [
        '26.11.2026, 08:30 MEZ',
        '26.07.2026, 09:30 MESZ',
        '26.11.2026, 13:15 GMT+5:45',
        '26.11.2026, 07:30 UTC',
        'a, b und c',
        '1.000.000 Übertragungen sind fehlgeschlagen',
        '?',
      ],
    };
    expect(shown).toEqual(expected[language]);
  });
});

describe('messageOf', () => {
  const read = new Set<string>();
  const before = { ...en, ...de };
  const watched = [en, de] as Catalogue[];

  // The catalogues report what is read of them.
  beforeAll(() => {
    for (const catalogue of watched)
      for (const [name, phrase] of Object.entries(catalogue))
        Object.defineProperty(catalogue, name, {
          configurable: true,
          enumerable: true,
          get: () => read.add(name) && phrase,
        });
  });
  afterAll(() => {
    for (const catalogue of watched)
      for (const name of Object.keys(catalogue))
        Object.defineProperty(catalogue, name, {
          configurable: true,
          enumerable: true,
          writable: true,
          value: catalogue[name],
        });
  });

  it('says every phrase of the catalogues: none is unused', () => {
    const hours = (count: number) => ({
      expiresAt: new Date(Date.parse('2026-11-25T10:05:59.120Z') + count * 3_600_000).toISOString(),
    });
    const facts = [
      ...['downloaded', 'viewed'].flatMap((method) =>
        [1, 3].map(
          (recipients) => ['transfer.downloaded', { method, recipients, recipient: 1, downloadedBy: 1 }] as const,
        ),
      ),
      ...[1, 2, 3].map((recipients) => ['transfer.downloaded_by_all', { recipients }] as const),
      ...[{}, hours(-1), hours(0.5), hours(5), hours(100)].flatMap((expiry) =>
        [1, 3].map((recipients) => ['transfer.overdue', { recipients, downloadedBy: 0, ...expiry }] as const),
      ),
      ...problems.map((problem) => ['transfer.problem', { problems: [problem] }] as const),
    ];
    const states = [null, 'On hold', ...knownStates];
    const events = [
      ...eventTypes
        .filter((type) => type.startsWith('transfer.'))
        .flatMap((type) => [transferOf(type), transferOf(type, bob)]),
      ...states.map((previousState) => transferOf('transfer.unlisted', { previousState })),
      ...states.map((previousState) => transferOf('transfer.active', { previousState })),
      ...facts.flatMap(([type, data]) => [transferOf(type, data), transferOf(type, { ...data, ...bob })]),
      ...Object.values(operatorEvents),
      ...watchCauses.map((cause) => eventOf('watch.failing', { ...bob, cause, message: 'x' })),
      ...Object.keys(endpointCauses).map((cause) =>
        eventOf('endpoint.failing', { endpoint: 'crm', cause, message: 'x' }),
      ),
      eventOf('watch.rested', { message: 'x' }),
    ];
    for (const addressee of [english, german]) {
      for (const event of events) messageFor([event], addressee, { before: digestFor([event]).counts });
      // Each type twice, so that it is counted by a sentence.
      for (const event of events)
        messageFor([event, { ...event, id: 'evt_2', data: { ...event.data, trackingId: 't-2' } }], addressee);
      const many = Array.from({ length: 60 }, (_, number) =>
        transferOf('transfer.failed', { mailbox: `m${number}@example.com` }, number),
      );
      const all = [...many, ...events.map((event, number) => ({ ...event, id: `evt_${number}` }))];
      messageFor(all, addressee, { before: digestFor(all).counts });
      messageFor([], addressee);
    }
    expect(Object.keys(before).filter((name) => name !== 'locale' && !read.has(name))).toEqual([]);
  });
});
