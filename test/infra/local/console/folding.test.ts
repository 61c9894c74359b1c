import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FoldedLine, Folding, holdMs } from '#infra/local/console/folding.ts';
import { change, delivered, failed, outcome, retry } from './told-facts.ts';

/** A line in short. @example 'e1: crm DELIVERED, archive not yet' */
function brief(line: FoldedLine): string {
  if (line.kind === 'change') {
    const known = line.outcomes.map(({ endpoint, status }) => `${endpoint} ${status}`);
    const silent = line.silent.map((endpoint) => `${endpoint} not yet`);
    return `${line.announcement.id}: ${[...known, ...silent].join(', ')}`;
  }
  const [{ endpoint, status, event }, ...others] = line.outcomes;
  const about = line.about ? `, of ${line.about.id}` : '';
  return others.length > 0 ? `${endpoint} ${status} ${line.outcomes.length}` : `${endpoint} ${status} ${event}${about}`;
}

/** Tells a folding in turn of changes (with the endpoints that want them), outcomes and the time; reads its lines. */
function folded(steps: readonly (readonly [at: number, step?: ReturnType<typeof outcome> | [string, ...string[]]])[]) {
  const folding = new Folding();
  const lines = steps.flatMap(([at, step]) => {
    if (Array.isArray(step)) folding.change(change(step[0]), step.slice(1), at);
    else if (step) folding.delivery(step, at);
    return folding.due(at).map((line) => `${at} ${brief(line)}`);
  });
  return { lines, open: folding.open.map(({ endpoint, event }) => `${endpoint} ${event}`) };
}

describe('Folding', () => {
  it.each<[string, Parameters<typeof folded>[0], string[], string[]?]>([
    [
      'shows a change once its deliveries are known',
      [
        [0, ['e1', 'crm', 'erp']],
        [10, delivered('e1', 'crm')],
        [20, delivered('e1', 'erp')],
      ],
      ['20 e1: crm DELIVERED, erp DELIVERED'],
    ],
    ['shows a change at once that no endpoint wants', [[0, ['e1']]], ['0 e1: ']],
    [
      'shows a change after a short while, and what ends later in a line of its own',
      [
        [0, ['e1', 'crm', 'erp']],
        [10, delivered('e1', 'crm')],
        [holdMs],
        [holdMs + 10, delivered('e1', 'erp')],
        [holdMs + 510],
      ],
      [`${holdMs} e1: crm DELIVERED, erp not yet`, `${holdMs + 510} erp DELIVERED e1, of e1`],
    ],
    [
      'keeps changes in order while the first waits',
      [
        [0, ['e1', 'crm']],
        [10, ['e2', 'crm']],
        [20, delivered('e2', 'crm')],
        [30, delivered('e1', 'crm')],
      ],
      ['30 e1: crm DELIVERED', '30 e2: crm DELIVERED'],
    ],
    [
      'folds a delivery that comes before its change',
      [
        [0, delivered('e1', 'crm')],
        [10, ['e1', 'crm']],
      ],
      ['10 e1: crm DELIVERED'],
    ],
    [
      'shows a delivery without its change in the end, and does not wait for it again',
      [[0, delivered('e1', 'crm')], [holdMs], [holdMs + 10, ['e1', 'crm']]],
      [`${holdMs} crm DELIVERED e1`, `${holdMs + 10} e1: `],
    ],
    [
      'tells a retry with its change, and the end, but not that retries go on as before',
      [
        [0, ['e1', 'crm']],
        [1, retry('e1', 'crm', 1)],
        [3000, retry('e1', 'crm', 2)],
        [9000, delivered('e1', 'crm', 3)],
        [9500],
      ],
      ['1 e1: crm PENDING', '9500 crm DELIVERED e1, of e1'],
    ],
    [
      'tells a retry that fails for another reason',
      [
        [0, ['e1', 'crm']],
        [1, retry('e1', 'crm', 1)],
        [3000, retry('e1', 'crm', 2, 503)],
        [3500],
        [9000, retry('e1', 'crm', 3, 503)],
        [9500],
      ],
      ['1 e1: crm PENDING', '3500 crm PENDING e1, of e1'],
      ['crm e1'],
    ],
    [
      'gives a failure a line of its own, directly after its change',
      [
        [0, ['e1', 'crm', 'erp']],
        [1, failed('e1', 'crm')],
        [2, delivered('e1', 'erp')],
      ],
      ['2 e1: erp DELIVERED', '2 crm FAILED e1, of e1'],
    ],
    [
      'replaces a retry by the end that follows before its line',
      [
        [0, ['e1', 'crm', 'erp']],
        [1, retry('e1', 'crm', 1)],
        [2, delivered('e1', 'crm', 2)],
        [3, delivered('e1', 'erp')],
      ],
      ['3 e1: crm DELIVERED, erp DELIVERED'],
    ],
    [
      'sums up the ends of an endpoint that come together',
      [...['e1', 'e2', 'e3', 'e4'].map((event) => [0, delivered(event, 'crm')] as const), [holdMs]],
      [`${holdMs} crm DELIVERED 4`],
    ],
    [
      'remembers a delivery that is not tried as open',
      [[0, ['e1', 'crm']], [holdMs]],
      [`${holdMs} e1: crm not yet`],
      ['crm e1'],
    ],
    [
      'shows what waits when the clock is set back',
      [[9_000_000, ['e1', 'crm']], [9_000_001, delivered('e0', 'crm')], [0]],
      ['0 e1: crm not yet', '0 crm DELIVERED e0'],
      ['crm e1'],
    ],
  ])('%s', (_, steps, lines, open = []) => expect(folded(steps)).toEqual({ lines, open }));

  it('shows the older line first, whichever kind it has', () => {
    const { lines } = folded([
      [0, ['e1', 'crm']],
      [1, retry('e1', 'crm')],
      [1500, delivered('e1', 'crm', 2)],
      [1600, ['e2', 'erp']],
      [2000, delivered('e2', 'erp')],
    ]);
    expect(lines.slice(1)).toEqual(['2000 crm DELIVERED e1, of e1', '2000 e2: erp DELIVERED']);
  });

  it('remembers at most 10,000 open deliveries, the latest', () => {
    const folding = new Folding();
    for (let number = 0; number <= 10_000; number += 1) folding.change(change(`e${number}`), ['crm'], 0);
    folding.due(0, true);
    expect(folding.open).toHaveLength(10_000);
    expect(folding.open[0]).toEqual({ event: 'e1', endpoint: 'crm' });
  });

  it('waits less for each change while many wait', () => {
    const folding = new Folding();
    for (let number = 0; number < 40; number += 1) folding.change(change(`e${number}`), ['crm'], 0);
    expect(folding.due(299)).toEqual([]);
    expect(folding.due(300)).toHaveLength(20);
  });

  it('says when a change is shown, and not before', () => {
    const folding = new Folding();
    let shown = 0;
    folding.change(change('e1'), ['crm'], 0, () => {
      shown += 1;
    });
    folding.due(holdMs - 1);
    expect(shown).toBe(0);
    folding.due(holdMs);
    expect(shown).toBe(1);
  });

  it('forgets what is open of endpoints that are removed', () => {
    const folding = new Folding();
    folding.change(change('e1'), ['crm', 'erp'], 0);
    folding.due(0, true);
    folding.keep(new Set(['erp']));
    expect(folding.open).toEqual([{ event: 'e1', endpoint: 'erp' }]);
  });

  const events = fc.constantFrom('e1', 'e2', 'e3', 'e4', 'e5');
  const endpoints = fc.constantFrom('crm', 'erp', 'ops');
  const status = fc.constantFrom('PENDING', 'DELIVERED', 'FAILED', 'HELD', 'CANCELLED');
  const step = fc.record({
    wait: fc.constantFrom(0, 1, 200, 400, 1000, 3000),
    change: fc.option(fc.tuple(events, fc.uniqueArray(endpoints)), { nil: undefined }),
    outcome: fc.option(fc.tuple(events, endpoints, status), { nil: undefined }),
    looks: fc.boolean(),
  });

  it('gives each change one line, and shows each end of a delivery once, in any order of events', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const folding = new Folding();
        const changes: string[] = [];
        const ends: string[] = [];
        const lines: FoldedLine[] = [];
        let at = 0;
        for (const { wait, change: begun, outcome: ended, looks } of steps) {
          at += wait;
          if (begun && !changes.includes(begun[0])) {
            changes.push(begun[0]);
            folding.change(change(begun[0]), begun[1], at);
          }
          if (ended) {
            const facts = outcome(...ended);
            if (!['PENDING', 'HELD'].includes(facts.status))
              ends.push(`${facts.event} ${facts.endpoint} ${facts.status}`);
            folding.delivery(facts, at);
          }
          if (looks) lines.push(...folding.due(at));
        }
        lines.push(...folding.due(at, true), ...folding.due(at, true));
        expect(lines.flatMap((line) => (line.kind === 'change' ? line.announcement.id : []))).toEqual(changes);
        const shown = lines.flatMap(({ outcomes }) =>
          outcomes.map((one) => `${one.event} ${one.endpoint} ${one.status}`),
        );
        const isEnd = (one: string) => !/PENDING|HELD/.test(one);
        expect(shown.filter(isEnd).sort()).toEqual(ends.sort());
      }),
    );
  });
});
