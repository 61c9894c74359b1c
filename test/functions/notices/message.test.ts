import { describe, expect, it } from 'vitest';
import { eventTypes } from '#functions/events/catalogue.ts';
import type { ToldEvent } from '#functions/notices/digest.ts';
import { factWords } from '#functions/notices/event-words.ts';
import type { Message } from '#functions/notices/message.ts';
import { textOf } from '#functions/notices/text.ts';
import { wordsIn } from '#functions/notices/words/words.ts';
import { type Problem, problems } from '#functions/transfers/follow.ts';
import {
  anna,
  bob,
  dayBefore,
  digestFor,
  eventOf,
  german,
  messageFor,
  operatorEvents,
  richDay,
  transferOf,
} from './digests.ts';
import { ofAnyMessage } from './hostile-notices.ts';

const at = '2026-11-24T14:05:59.120Z';
const utc = { name: 'ops', language: 'en', timeZone: 'UTC' } as const;
const utcGerman = { ...utc, language: 'de' } as const;

const factOf = (type: string, data: object = {}): ToldEvent => ({ ...transferOf(type, data), timestamp: at });

/** The line about a single event: words, and the detail in parentheses. */
const lineOf = (event: ToldEvent, addressee: Parameters<typeof messageFor>[1] = utc) => {
  const [line] = messageFor([event], addressee).sections[0]!.lines;
  return `${line!.words} ${line!.detail}`.trim();
};
const linesOf = (message: Message, title: string) =>
  message.sections
    .find((section) => section.title === title)
    ?.lines.map(({ words, trackingId, detail }) => [words, trackingId, detail].filter(Boolean).join(' | ')) ?? [];

const download = { recipient: 2, recipients: 3, downloadedBy: 2, method: 'downloaded' } as const;
const downloadedAt = '2026-11-24T14:03:00.000Z';
const hours = (count: number) => new Date(Date.parse(at) + count * 3_600_000).toISOString();
const overdue = { recipients: 3, downloadedBy: 2, expiresAt: hours(41.9) };

describe('messageOf for a fact that a watch follows', () => {
  it.each([
    [
      '2 of 3 recipients have downloaded (recipient 2 downloaded it, 24 Nov 2026, 14:03 UTC)',
      '2 von 3 Empfängern haben heruntergeladen (Empfänger 2 hat heruntergeladen, 24.11.2026, 14:03 UTC)',
      { downloadedAt },
    ],
    [
      '2 of 3 recipients have downloaded (recipient 2 viewed it)',
      '2 von 3 Empfängern haben heruntergeladen (Empfänger 2 hat angesehen)',
      { method: 'viewed' },
    ],
    [
      '1 of 3 recipients has downloaded (recipient 2 downloaded it)',
      '1 von 3 Empfängern hat heruntergeladen (Empfänger 2 hat heruntergeladen)',
      { downloadedBy: 1 },
    ],
    [
      'the recipient has downloaded it (24 Nov 2026, 14:03 UTC)',
      'vom Empfänger heruntergeladen (24.11.2026, 14:03 UTC)',
      { recipients: 1, downloadedAt },
    ],
    ['the recipient has viewed it', 'vom Empfänger angesehen', { recipients: 1, method: 'viewed' }],
    ['we have downloaded it', 'von uns heruntergeladen', { recipients: 1, ...bob }],
    [
      'we have viewed it (24 Nov 2026, 14:03 UTC)',
      'von uns angesehen (24.11.2026, 14:03 UTC)',
      { recipients: 1, method: 'viewed', downloadedAt, ...bob },
    ],
  ])('says "%s" and "%s" of transfer.downloaded', (english, deutsch, details) => {
    const event = factOf('transfer.downloaded', { ...download, ...details });
    expect([lineOf(event), lineOf(event, utcGerman)]).toEqual([english, deutsch]);
  });

  it.each([
    ['complete, every recipient has it', 'vollständig, jeder Empfänger hat sie', 2],
    ['complete, every recipient has it', 'vollständig, jeder Empfänger hat sie', 3],
    ['complete, the recipient has it', 'vollständig, der Empfänger hat sie', 1],
  ])('says "%s" and "%s" of transfer.downloaded_by_all', (english, deutsch, recipients) => {
    const event = factOf('transfer.downloaded_by_all', { recipients, downloadedBy: recipients });
    expect([lineOf(event), lineOf(event, utcGerman)]).toEqual([english, deutsch]);
  });

  it.each([
    ['expires in 41 hours, 1 of 3 has nothing yet (26 Nov 2026, 07:59 UTC)', {}],
    ['expires in 1 hour, 3 of 3 have nothing yet (24 Nov 2026, 15:05 UTC)', { downloadedBy: 0, expiresAt: hours(1) }],
    ['expires within an hour, 1 of 3 has nothing yet (24 Nov 2026, 14:35 UTC)', { expiresAt: hours(0.5) }],
    ['past its expiry date, 1 of 3 has nothing yet (24 Nov 2026, 14:05 UTC)', { expiresAt: hours(-0.0001) }],
    ['past its expiry date, 1 of 3 has nothing yet (17 Nov 2026, 14:05 UTC)', { expiresAt: hours(-168) }],
    ['expires in 72 hours, 1 of 3 has nothing yet (27 Nov 2026, 14:05 UTC)', { expiresAt: hours(72) }],
    ['expires in 3 days, 1 of 3 has nothing yet (27 Nov 2026, 15:05 UTC)', { expiresAt: hours(73) }],
    ['expires in 30 days, 1 of 3 has nothing yet (25 Dec 2026, 13:05 UTC)', { expiresAt: hours(743) }],
    ['expires in 41 hours, the recipient has nothing yet (26 Nov 2026, 07:59 UTC)', { recipients: 1, downloadedBy: 0 }],
    [
      'expires in 41 hours, we have not fetched it (26 Nov 2026, 07:59 UTC)',
      { recipients: 1, downloadedBy: 0, ...bob },
    ],
  ])('says "%s" of transfer.overdue', (words, details) => {
    expect(lineOf(factOf('transfer.overdue', { ...overdue, ...details }))).toBe(words);
  });

  it('says in German how much time is left', () => {
    const said = [0.5, 1, 41.9, 743, -1].map((left) =>
      lineOf(factOf('transfer.overdue', { ...overdue, expiresAt: hours(left) }), utcGerman),
    );
    expect(said.map((text) => text.split(',')[0])).toEqual([
      'läuft in weniger als einer Stunde ab',
      'läuft in 1 Stunde ab',
      'läuft in 41 Stunden ab',
      'läuft in 30 Tagen ab',
      'Ablaufdatum überschritten',
    ]);
  });

  it.each<[string, string, Problem[], object?]>([
    ['a recipient was not notified', 'ein Empfänger wurde nicht benachrichtigt', ['recipient_not_notified']],
    ['we were not notified', 'wir wurden nicht benachrichtigt', ['recipient_not_notified'], bob],
    ['the sender was not notified', 'der Absender wurde nicht benachrichtigt', ['sender_not_notified']],
    [
      'files were removed (virus check or file filter) and the message was not created',
      'Dateien wurden entfernt (Virenprüfung oder Dateifilter) und die Nachricht wurde nicht erstellt',
      ['files_removed', 'message_not_created'],
    ],
    ['a problem unknown to the notifier', 'ein unbekanntes Problem', ['other']],
  ])('says "%s" and "%s" of transfer.problem', (english, deutsch, found, watch = anna) => {
    const event = factOf('transfer.problem', { problems: found, ...watch });
    expect([lineOf(event), lineOf(event, utcGerman)]).toEqual([english, deutsch]);
  });

  it('says of every problem in words what it is', () => {
    const words = problems.map((problem) => lineOf(factOf('transfer.problem', { problems: [problem] })));
    expect(new Set(words).size).toBe(problems.length);
    expect(words.join()).not.toContain('_');
  });

  it('has words for an event that another version has stored, and never a wrong time or number', () => {
    const found = ['constructor', '__proto__', 'quarantined', 'files_removed'];
    expect(lineOf(factOf('transfer.problem', { problems: found, added: [1] }))).toBe(
      'a problem unknown to the notifier and files were removed (virus check or file filter)',
    );
    for (const facts of [{}, { problems: [] }, { problems: 'none' }])
      expect(lineOf(factOf('transfer.problem', facts))).toBe('in trouble (was active)');
    expect(lineOf(factOf('transfer.downloaded'))).toBe('downloaded (was active)');
    expect(lineOf(factOf('transfer.overdue'))).toBe('expires soon, the recipient has nothing yet');
    expect(lineOf(factOf('transfer.overdue', { ...overdue, expiresAt: 'soon' }))).toMatch(/^expires soon, 1 of 3 /);
    expect(lineOf(factOf('transfer.overdue', { ...overdue, downloadedBy: 9 }))).toMatch(/, 0 of 3 have nothing yet /);
  });

  it('leaves all other events to their states', () => {
    const others = eventTypes.filter((type) => !/downloaded|overdue|problem/.test(type));
    for (const type of others) expect(factWords(wordsIn('en'), factOf(type))).toBeUndefined();
  });
});

describe('messageOf for a state', () => {
  it.each([
    ['active (new)', 'aktiv (neu)', 'transfer.active', { previousState: null }],
    [
      'failed (was processing)',
      'fehlgeschlagen (zuvor in Verarbeitung)',
      'transfer.failed',
      { previousState: 'PROCESSING' },
    ],
    ['no longer listed (last active)', 'nicht mehr aufgeführt (zuletzt aktiv)', 'transfer.unlisted', {}],
    ['listed again (last active)', 'wieder aufgeführt (zuletzt aktiv)', 'transfer.listed_again', {}],
    [
      'On hold (was deleted by the administrator)',
      'On hold (zuvor vom Administrator gelöscht)',
      'transfer.state_changed',
      { state: 'On hold', previousState: 'DELETED_BY_ADMIN' },
    ],
    ['active (was On hold)', 'aktiv (zuvor On hold)', 'transfer.active', { previousState: 'On hold' }],
    ['without problems again', 'wieder ohne Probleme', 'transfer.problem_resolved', {}],
  ])('says "%s" and "%s"', (english, deutsch, type, data) => {
    const event = factOf(type, data);
    expect([lineOf(event), lineOf(event, utcGerman)]).toEqual([english, deutsch]);
  });

  it.each([
    [
      'transfer.failed',
      '1 transfer from anna@example.com failed',
      '1 Übertragung von anna@example.com ist fehlgeschlagen',
    ],
    [
      'transfer.deleted_by_expiration',
      '1 transfer from anna@example.com expired',
      '1 Übertragung von anna@example.com ist abgelaufen',
    ],
  ])('has a headline of its own for %s alone', (type, english, deutsch) => {
    const headlines = [utc, german].map((addressee) => messageFor([transferOf(type)], addressee).headline);
    expect(headlines).toEqual([english, deutsch]);
    expect(messageFor([transferOf(type, bob)]).headline).toContain(`1 transfer to ${bob.mailbox}`);
  });
});

describe('messageOf for a day', () => {
  const message = messageFor(richDay, utc, { before: dayBefore });

  it('puts first what needs attention, then the numbers, then all else', () => {
    expect(message.severity).toBe('alert');
    expect(message.sections.map(({ title }) => title)).toEqual(['', 'Needs attention', 'In figures', 'Further events']);
    expect(linesOf(message, 'Needs attention')).toHaveLength(6);
    expect(linesOf(message, 'Further events').length).toBe(14);
  });

  it('compares with the day before, names mailboxes, and says what has fallen to zero', () => {
    const figures = linesOf(message, 'In figures');
    expect(figures[0]).toBe('1 failed | from anna@example.com (before: 2)');
    expect(figures).toContain('8 expired | from anna@example.com (before: 800)');
    expect(figures.at(-1)).toBe(`0 deleted by the administrator | to ${bob.mailbox} (before: 5)`);
    expect(linesOf(messageFor(richDay, utc), 'In figures').join()).not.toContain('before');
  });

  it('tells 20 events at most, and how to list all', () => {
    expect(message.footer).toEqual([
      'and 3 more:',
      'npm run notifier -- event list --from 2026-11-25T06:30:00.000Z --until 2026-11-26T06:30:00.000Z',
      'Sent by Transfer Notifier to ops.',
    ]);
    expect(messageFor(richDay.slice(0, 20), utc).footer).toHaveLength(1);
  });

  it('counts the most urgent types in its headline', () => {
    expect(message.headline).toBe(
      '1 transfer failed, 1 deleted after wrong passwords, 1 about to expire unread and 20 other events',
    );
    const failing = [operatorEvents['watch.failing']!, operatorEvents['endpoint.disabled']!];
    expect(messageFor(failing).headline).toBe('1 watch fails and 1 endpoint was disabled');
    expect(messageFor([...failing, ...richDay.slice(0, 1)]).headline).toBe(
      '1 transfer failed, 1 watch fails and 1 endpoint was disabled',
    );
  });

  it('names the mailbox in the headline alone if all is about one watch', () => {
    const one = [
      transferOf('transfer.failed', {}, 1),
      transferOf('transfer.failed', {}, 2),
      transferOf('transfer.active', {}, 3),
    ];
    const { headline, sections } = messageFor(one);
    expect(headline).toBe('2 transfers from anna@example.com failed and 1 active');
    expect(JSON.stringify(sections)).not.toContain('anna@');
  });

  it('says that nothing is to report, since when, and what has fallen to zero', () => {
    const { headline, severity, sections } = messageFor([], german, { before: dayBefore });
    expect([headline, severity]).toEqual(['Nichts zu melden seit 25.11.2026, 07:30 MEZ', 'info']);
    expect(sections.map(({ title }) => title)).toEqual(['', 'In Zahlen']);
    expect(sections[1]!.lines).toHaveLength(dayBefore.length);
  });
});

describe('messageOf for operators', () => {
  it('gives problem, details, remedy and consequence of a failing watch', () => {
    const { headline, severity, sections } = messageFor([operatorEvents['watch.failing']!]);
    expect([headline, severity]).toEqual(['Cannot watch transfers from anna@example.com', 'alert']);
    expect(sections[0]!.paragraphs).toEqual([
      'Polls have failed since 25 Nov 2026, 10:00 CET: the server cannot be reached (ECONNREFUSED); check server.url, DNS and the network between here and the server.',
      'Changes are not lost: they are announced as soon as a poll succeeds.',
    ]);
  });

  it('gives them in German, with the original message for its details', () => {
    const { sections } = messageFor([operatorEvents['watch.failing']!], german);
    expect(sections[0]!.paragraphs).toEqual([
      'Die Abfragen schlagen seit 25.11.2026, 10:00 MEZ fehl: der Server ist nicht erreichbar; server.url, DNS und das Netzwerk zwischen hier und dem Server prüfen.',
      'Änderungen gehen nicht verloren: Sie werden gemeldet, sobald eine Abfrage gelingt.',
      'Originalmeldung: the server cannot be reached (ECONNREFUSED); check server.url, DNS and the network between here and the server',
    ]);
  });

  it('gives the own message of an event whose cause is unknown', () => {
    const event = eventOf('watch.failing', {
      ...anna,
      cause: 'new_cause',
      message: 'the moon is full',
      failingSince: at,
    });
    expect(textOf(messageFor([event], german))).toContain(
      'schlagen seit 24.11.2026, 15:05 MEZ fehl: the moon is full.',
    );
    expect(textOf(messageFor([event], german))).not.toContain('Originalmeldung');
  });

  it('leaves out the names of mailboxes that are forgotten', () => {
    const forgotten = eventOf('watch.many_failing', {
      cause: 'timeout',
      message: 'm',
      watches: 2,
      mailboxes: 1,
      examples: [],
      failingSince: at,
    });
    const { headline, sections } = messageFor([forgotten]);
    expect(headline).toBe('Cannot watch 1 mailbox');
    expect(sections[0]!.paragraphs.join()).not.toContain('Among');
  });

  it('says when an endpoint will be disabled', () => {
    const message = messageFor([operatorEvents['endpoint.failing, to be disabled']!]);
    expect(message.headline).toBe('Endpoint crm will be disabled');
    expect(textOf(message)).toContain('Unless one succeeds by 30 Nov 2026, 10:00 CET');
  });

  it('has a headline of its own for each type, and the severity of the catalogue', () => {
    const messages = Object.values(operatorEvents).map((event) => messageFor([event]));
    expect(new Set(messages.map(({ headline }) => headline)).size).toBe(messages.length);
    const severities = Object.values(operatorEvents).map((event) => digestFor([event]).severity);
    expect(messages.map(({ severity }) => severity)).toEqual(severities);
  });
});

describe('messageOf for events of other versions', () => {
  it('names an unknown type, and shows what it says', () => {
    const message = messageFor([eventOf('watch.rested', { ...anna, message: 'all is calm' })]);
    expect(message.headline).toBe('1 event of anna@example.com of the type watch. rested');
    expect(message.sections[0]!.paragraphs).toEqual(['all is calm']);
    expect(
      linesOf(
        messageFor([transferOf('transfer.printed', {}, 1), transferOf('transfer.failed', {}, 2)]),
        'Further events',
      ),
    ).toEqual(['transfer. printed | 20261125-065711-T00001 | (was active)']);
  });

  it('never throws, and has a headline, a footer and no empty section', () => {
    ofAnyMessage(({ headline, footer, sections }) => {
      expect(headline).not.toBe('');
      expect(footer.length).toBeGreaterThan(0);
      for (const { paragraphs, lines } of sections) expect(paragraphs.length + lines.length).toBeGreaterThan(0);
    });
  });
});
