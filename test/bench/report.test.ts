import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fillPlaces, placesOf } from './page.ts';
import { type Report, reportTables, reportText } from './report.ts';
import { count, type Result, rate, time } from './section.ts';
import { spreadOf } from './spread.ts';

const result: Result = {
  measured: 0,
  tables: [{ id: 'burst', title: 'A burst', text: 'a table with $& and $1' }],
  figures: [
    count('a count', 1, 'KB', spreadOf([1, 1, 2])),
    time('a time', 1, 'ms', spreadOf([1, 1, 2])),
    rate('a rate', 250, 'a second', 249.5),
  ],
};
const report: Report = {
  startedAt: '2026-11-26T04:00:00.000Z',
  durationMs: 1_800_000,
  machine: 'AMD EPYC, linux x64',
  cores: 2,
  node: '24.21.0',
  sections: { burst: { result, load: 1.62 }, crash: { failure: 'the baseline: not within 120 s', load: 1 } },
};

describe('reportText', () => {
  test('judges counts by the worst round, times by the median, and counts the figures missed', () => {
    const text = reportText(report);
    expect(text).toMatch(
      /a count +≤ 1 KB +1–2 +MISSED\na time +≤ 1 ms +1–2 +reached\na rate +≥ 250 a second +250 +MISSED/,
    );
    expect(text).toContain('!!! 2 OF 3 FIGURES MISSED !!!');
  });

  test('says how busy the machine was, and what could not be measured', () => {
    expect(reportText(report)).toContain('A burst\n(load average 1.6, 2 cores)\n\na table');
    expect(reportText(report)).toContain('crash NOT MEASURED: the baseline: not within 120 s');
  });
});

describe('fillPlaces', () => {
  test('fills the places of the tables that a run has, and leaves all else as it is', () => {
    const place = (id: string, text: string) => `<!-- bench: ${id} -->\n\n\`\`\`\n${text}\n\`\`\`\n\nWords.\n`;
    const filled = fillPlaces(place('burst', 'old') + place('crash', 'old'), reportTables(report));
    const title = 'A burst\n(load average 1.6, 2 cores)';
    expect(filled).toBe(place('burst', `${title}\n\na table with $& and $1`) + place('crash', 'old'));
  });

  test('finds in the page of the benchmarks a place for each table of a run but the bills', () => {
    const sources = globSync(['test/bench/report.ts', 'test/bench/*/*.ts']).map((file) => readFileSync(file, 'utf8'));
    const ids = [...sources.join('\n').matchAll(/(?:\bid: |tableOf\(\s*)'([a-z]+)'/g)].map(([, id]) => id!);
    const page = readFileSync('docs/benchmarks.md', 'utf8');
    expect(placesOf(page).sort()).toEqual(ids.filter((id) => id !== 'bills').sort());
  });
});
