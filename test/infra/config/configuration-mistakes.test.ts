import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadDeployableConfig } from '#infra/config/deployment-check.ts';
import { configFolder, crm, server } from './config-files.ts';

const problemsOf = configFolder().problemsWith(loadDeployableConfig);
const subnets = ['subnet-00000000000000001', 'subnet-00000000000000002'];

/** Lists the paths of all mistakes in a configuration. */
const placesOf = (content: object): string[] =>
  problemsOf(content)
    .map((problem) => problem.slice(0, problem.indexOf(': ')))
    .toSorted();

describe('loadDeployableConfig', () => {
  it.each<[string, object, string[]]>([
    [
      'of form, of AWS, of a list as a whole, and of a file',
      {
        server: { url: 'https://localhost', caFile: 'none.pem' },
        schedule: { every: '30s', quietEvery: '30s', shards: 0 },
        watches: [{ mailbox: 'alice' }, { mailbox: 'b@example.com' }, { mailbox: 'b@example.com' }],
        colour: 'blue',
      },
      [
        ...['schedule.shards', 'watches[0].mailbox', 'the file', 'watches[2]', 'server.caFile', 'server.url'],
        ...['schedule.every', 'schedule.quietEvery', 'schedule.quietEvery'],
      ],
    ],
    [
      'in one webhook and in the next',
      {
        webhooks: [
          { name: 'CRM', url: 'http://10.0.0.1', types: ['transfer.gone'], maxInFlight: 0, colour: 'blue' },
          { name: 'ops', format: 'slack' },
        ],
      },
      [
        ...['webhooks[0].name', 'webhooks[0].maxInFlight', 'webhooks[0]', 'webhooks[1]', 'webhooks[0].url'],
        ...['webhooks[0].types[0]', 'webhooks[0].secretFrom'],
      ],
    ],
    [
      'in values of the wrong type',
      { server: 7, watches: 'alice@example.com', schedule: { every: '10s' }, notify: [], alarmEmail: 'a@b.c-' },
      ['server', 'watches', 'notify', 'alarmEmail', 'schedule.every'],
    ],
    [
      'in objects with missing settings',
      { server: {}, watches: [{}], webhooks: [{}], vpc: { id: 'vpc-0123abcd' }, schedule: { every: '90s' } },
      [
        ...['server.url', 'watches[0].mailbox', 'webhooks[0].name', 'vpc.subnets', 'webhooks[0]'],
        ...['schedule.every', 'webhooks[0].secretFrom'],
      ],
    ],
  ])('reports at once mistakes %s', (_, config, paths) => {
    expect(placesOf(config)).toEqual(paths.toSorted());
  });

  const whole = () => ({
    server: { ...server },
    schedule: {},
    watches: [{ mailbox: 'alice@example.com' }, { mailbox: 'bob@example.com', direction: 'received' }],
    notify: {
      readers: [
        { name: 'ops', email: 'ops@example.com', quiet: ['sunday', '22:00-07:00'] },
        { name: 'dev', email: 'dev@example.com', types: ['watch.*'], when: 'hourly', timeZone: 'Europe/Berlin' },
      ],
    },
    webhooks: [{ ...crm }, { ...crm, name: 'archive', headers: {} }],
    alarmEmail: 'ops@example.com',
    vpc: { id: 'vpc-0123456789abcdef0', subnets: [...subnets] },
  });
  /** Single mistakes that do not depend on each other. */
  const mistakes: readonly (readonly [path: string, value: unknown])[] = [
    ['server.url', 'ftp://cryptshare.example.com'],
    ['server.maxConcurrentPages', 0],
    ['server.caFile', 'none.pem'],
    ['schedule.every', '90s'],
    ['schedule.fullListingEvery', 'always'],
    ['watches[0].mailbox', 'alice'],
    ['watches[1].every', '10s'],
    ['notify.readers[0].email', 'ops'],
    ['notify.readers[0].quiet[1]', '24:00-07:00'],
    ['notify.readers[1].types[0]', 'watch.gone'],
    ['notify.readers[1].name', 'Dev'],
    ['notify.readers[1].when', 'daily at 7:30'],
    ['notify.readers[1].timeZone', 'Europe/Berlim'],
    ['webhooks[0].url', 'http://10.0.0.1/'],
    ['webhooks[0].maxInFlight', 0],
    ['webhooks[0].secretFrom', undefined],
    ['webhooks[1].name', 'ARCHIVE'],
    ['webhooks[1].headers.Authorization', 'x'],
    ['webhooks[1].retryDelays', ['soon']],
    ['alarmEmail', 'ops'],
    ['vpc.id', 'network'],
    ['vpc.subnets[1]', subnets[0]],
  ];

  function put(tree: object, path: string, value: unknown): void {
    const keys = path.split(/[.[\]]+/).filter(Boolean);
    const parent = keys.slice(0, -1).reduce<object>((node, key) => Reflect.get(node, key), tree);
    Reflect.set(parent, keys.at(-1)!, value);
  }

  it('reports any combination of mistakes', () => {
    fc.assert(
      fc.property(fc.subarray([...mistakes]), (made) => {
        const config = whole();
        for (const [path, value] of made) put(config, path, value);
        const told = placesOf(config).map((place) => place.replace('retryDelays[0]', 'retryDelays'));
        expect(told.toSorted()).toEqual(made.map(([path]) => path).toSorted());
      }),
      { numRuns: 200 },
    );
  });
});
