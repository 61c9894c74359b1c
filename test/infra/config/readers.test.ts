import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { configJsonSchema, loadConfig } from '#infra/config/config.ts';
import { endpointDeclarations } from '#infra/config/declarations.ts';
import { configFolder, server, watches } from './config-files.ts';

const { write, problemsWith } = configFolder();
const problemsOf = problemsWith(loadConfig);
const load = (content: object) => loadConfig(write(content));

const byEmail = { name: 'ops', email: 'ops@example.com' };
const team = { name: 'team', urlFrom: 'TEAM_URL', format: 'teams' };
const withReaders = (...readers: object[]) => ({ notify: { readers }, webhooks: [team] });

/** Every mistake of one reader by e-mail with these settings, its path without `notify.readers[0].`. */
const mistakesOf = (settings: object) =>
  problemsOf(withReaders({ ...byEmail, ...settings })).map((problem) => problem.replace('notify.readers[0].', ''));

describe('notify.readers', () => {
  it('get events of all kinds at once and in English unless they choose otherwise', () => {
    expect(load(withReaders(byEmail)).notify.readers).toEqual([
      {
        ...byEmail,
        types: ['transfer.*', 'watch.*', 'endpoint.*'],
        language: 'en',
        timeZone: 'UTC',
        when: 'at once',
        urgent: [],
        quiet: [],
        evenIfEmpty: false,
      },
    ]);
  });

  const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
  const notQuiet = 'quiet: expected a time of the week that is not quiet, or nothing would ever be sent';

  it.each<[string, object, (string | RegExp)[]]>([
    ['an unknown time zone', { timeZone: 'Berlin' }, [/^timeZone: expected a time zone such as Europe\/Berlin/]],
    ['an unknown language', { language: 'fr' }, ['language: expected one of en, de']],
    ['an unknown weekday', { when: 'weekly on freitag at 07:30' }, [/^when: expected at once, hourly, daily/]],
    ['the hour 24', { when: 'daily at 24:00' }, [/^when: expected .* from 00:00 to 23:59$/]],
    ['an hour of one digit', { when: 'daily at 7:30' }, [/^when: expected/]],
    ['an unknown quiet time', { quiet: ['at night', '22:00-24:00'] }, [/^quiet\[0\]: expected a w/, /^quiet\[1\]: ex/]],
    ['a quiet time without length', { quiet: ['07:00-07:00'] }, [/^quiet\[0\]: expected/]],
    ['seven quiet days', { quiet: weekdays }, [notQuiet]],
    ['two spans that cover each day', { quiet: ['06:00-18:00', '17:59-06:00'] }, [notQuiet]],
    ['six quiet days and a quiet night', { quiet: [...weekdays.slice(1), '22:00-07:00'] }, []],
    [
      'six quiet days and many spans that leave a minute',
      { quiet: [...weekdays.slice(1), ...['00:00-03:00', '03:00-06:00', '06:00-09:00', '09:00-12:00', '12:00-23:59']] },
      [],
    ],
    ['unknown types', { types: ['transfer.gone'], urgent: ['transfer.lost'] }, [/^types\[0\]: ex/, /^urgent\[0\]: ex/]],
    [
      'urgent types that it does not get',
      { types: ['transfer.failed', 'watch.*'], urgent: ['transfer.failed', 'watch.failing', 'transfer.*'] },
      ['urgent[2]: expected one of the types that this reader gets: transfer.failed, watch.*'],
    ],
    [
      'empty messages at once',
      { evenIfEmpty: true },
      ['evenIfEmpty: expected another time than at once, at which there is always an event'],
    ],
    ['empty messages each day', { evenIfEmpty: true, when: 'daily at 07:30' }, []],
    ['a message each minute, to try it', { when: 'every minute' }, []],
  ])('are checked for %s: %j', (_, settings, expected) => {
    const told = mistakesOf(settings);
    expect(told).toHaveLength(expected.length);
    expected.forEach((one, index) => {
      expect(told[index]).toMatch(one);
    });
  });

  it.each<[string, object, string[]]>([
    ['neither address nor endpoint', withReaders({ name: 'ops' }), ['[0]: expected either email or endpoint']],
    [
      'both address and endpoint',
      withReaders({ ...byEmail, endpoint: 'team' }),
      ['[0]: expected either email or endpoint'],
    ],
    [
      'one name',
      withReaders(byEmail, { ...byEmail, email: 'o@example.com' }),
      ['[1].name: expected each name once, but notify.readers[0] has the same'],
    ],
    [
      'the name of a webhook',
      withReaders({ ...byEmail, name: 'team' }),
      ['[0].name: expected a name of its own, but webhooks[0] has it'],
    ],
    ['the name of their own webhook', withReaders({ name: 'team', endpoint: 'team' }), []],
    [
      'an endpoint that is no webhook',
      withReaders({ name: 'ops', endpoint: 'chat' }),
      ['[0].endpoint: expected the name of a webhook, but webhooks has none such'],
    ],
    [
      'one endpoint',
      withReaders({ name: 'a', endpoint: 'team' }, { name: 'b', endpoint: 'team' }),
      ['[1].endpoint: expected each endpoint once, but notify.readers[0] has the same'],
    ],
    [
      'a system as endpoint',
      {
        notify: { readers: [{ name: 'ops', endpoint: 'crm' }] },
        webhooks: [{ name: 'crm', url: 'https://crm.example.com' }],
      },
      ['[0].endpoint: expected a webhook of format slack or teams, but that of webhooks[0] is event'],
    ],
  ])('are checked for %s', (_, content, expected) => {
    expect(problemsOf(content)).toEqual(expected.map((problem) => `notify.readers${problem}`));
  });

  it('choose for a chat alone: types or mailboxes of its webhook are a mistake', () => {
    const chosen = { ...team, types: ['transfer.failed'], mailboxes: ['alice@example.com'] };
    expect(problemsOf({ notify: { readers: [{ name: 'ops', endpoint: 'team' }] }, webhooks: [chosen] })).toEqual([
      'webhooks[0].types: expected none, since notify.readers[0] chooses for this chat',
      'webhooks[0].mailboxes: expected none, since notify.readers[0] chooses for this chat',
    ]);
  });

  it.each<[object, number, number | undefined]>([
    [{ when: 'weekly on monday at 07:30' }, 7, 8],
    [{ when: 'weekly on monday at 07:30' }, 8, undefined],
    [{ when: 'weekly on monday at 07:30', quiet: ['monday', 'tuesday'] }, 7, 8],
    [{ when: 'daily at 07:30' }, 1, 2],
    [{ when: 'daily at 07:30', quiet: ['saturday', 'sunday'] }, 2, 3],
    [{ when: 'at once', quiet: ['friday', 'saturday', 'sunday', 'monday'] }, 4, 5],
    [{ when: 'hourly' }, 1, undefined],
  ])('are checked for their longest wait: %j with events of %i days needs %s', (settings, events, needed) => {
    const ofReader = needed === undefined ? [] : [expect.stringContaining(`at least ${needed}, since`)];
    const retention = { events, transfers: 30 };
    expect(problemsOf({ notify: { readers: [{ ...byEmail, ...settings }] }, retention })).toEqual(ofReader);
  });

  it('name every mistake at once', () => {
    const wrong = { name: 'Ops', language: 'fr', timeZone: 'Berlin', when: 'soon', quiet: ['never'], types: [] };
    const content = withReaders(
      wrong,
      { ...byEmail, endpoint: 'team', evenIfEmpty: true },
      { name: 'b', endpoint: 'x' },
    );
    expect(
      problemsOf(content)
        .map((problem) => problem.slice(0, problem.indexOf(': ')))
        .toSorted(),
    ).toEqual(
      [
        ...['[0]', '[0].name', '[0].language', '[0].timeZone', '[0].when', '[0].quiet[0]', '[0].types'],
        ...['[1]', '[1].evenIfEmpty', '[2].endpoint'],
      ]
        .map((path) => `notify.readers${path}`)
        .toSorted(),
    );
  });

  it.each([
    ['email', [{ address: 'ops@example.com' }], 'moved to notify.readers: { "name": "…", "email": "…" }'],
    [
      'slack',
      { workspaceId: 'T0123ABCD', channelId: 'C0123ABCD' },
      'moved to notify.readers: { "name": "…", "endpoint": "…" }, with a webhook of that name and format slack',
    ],
  ])('say where notify.%s went, beside other mistakes', (name, value, words) => {
    const content = { notify: { [name]: value, readers: [{ ...byEmail, when: 'soon' }], colour: 'blue' } };
    expect(problemsOf(content)).toEqual([
      expect.stringMatching(/^notify\.readers\[0\]\.when: /),
      'notify: Unrecognized key: "colour"',
      `notify.${name}: ${words}`,
    ]);
  });
});

describe('endpointDeclarations', () => {
  const german = { language: 'de', timeZone: 'Europe/Berlin', when: 'daily at 07:30' };

  it('make a reader by e-mail an endpoint of its name', () => {
    const config = load(withReaders({ ...byEmail, ...german, types: ['watch.*'], mailboxes: ['alice@example.com'] }));
    expect(endpointDeclarations(config)[1]).toEqual({
      name: 'ops',
      settings: {
        url: 'mailto:ops@example.com',
        format: 'email',
        types: ['watch.*'],
        mailboxes: ['alice@example.com'],
        reader: { ...german, urgent: [], quiet: [], evenIfEmpty: false },
      },
    });
  });

  it('put what the reader of a chat wants on its webhook', () => {
    const config = load(withReaders({ name: 'support', endpoint: 'team', ...german, types: ['transfer.failed'] }));
    expect(endpointDeclarations(config)).toMatchObject([
      {
        name: 'team',
        urlFrom: 'TEAM_URL',
        settings: { format: 'teams', types: ['transfer.failed'], reader: { ...german, evenIfEmpty: false } },
      },
    ]);
  });

  it('leave a chat without a reader as it is', () => {
    expect(endpointDeclarations(load({ webhooks: [team] }))[0]?.settings).not.toHaveProperty('reader');
  });
});

describe('configJsonSchema', () => {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(configJsonSchema());
  const isValid = (reader: object) => validate({ server, watches, notify: { readers: [{ ...byEmail, ...reader }] } });

  it.each([
    { when: 'weekly on monday at 07:30', quiet: ['22:00-07:00', 'sunday'], language: 'de' },
    { when: 'at once', urgent: ['transfer.failed'] },
    { when: 'every minute' },
  ])('accepts the reader %j in an editor', (reader) => {
    expect(isValid(reader)).toBe(true);
  });

  it.each([
    { when: 'daily at 7:30' },
    { when: 'weekly on monday' },
    { quiet: ['22:00-24:00'] },
    { quiet: ['Sunday'] },
    { language: 'fr' },
    { urgent: ['transfer.gone'] },
  ])('refuses the reader %j in an editor', (reader) => {
    expect(isValid(reader)).toBe(false);
  });
});
