import type { Figure, Result, Table } from './section.ts';
import type { Spread } from './spread.ts';
import { fine, number, range, spread, table } from './table.ts';

/** Everything that one run has measured. */
export interface Report {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly machine: string;
  readonly cores: number;
  /** Version of Node.js. */
  readonly node: string;
  /** By the names of the sections, in the order of their measurement. */
  readonly sections: Readonly<Record<string, MeasuredSection>>;
}

/** A section's result, or the reason why there is none. */
export interface MeasuredSection {
  readonly result?: Result;
  readonly failure?: string;
  /** Processes that ran or wanted to, on average over the last minute of the section, its own included. */
  readonly load: number;
}

/** The figures of all sections. */
export const figuresOf = ({ sections }: Report): Figure[] =>
  Object.values(sections).flatMap(({ result }) => result?.figures ?? []);

/** The report as a person reads it. */
export function reportText(report: Report): string {
  const figures = figuresOf(report);
  const missed = figures.filter(({ isReached }) => !isReached).length;
  return [
    ...reportTables(report).map(({ title, text }) => (title === '' ? text : `${title}\n\n${text}`)),
    ...Object.entries(report.sections).flatMap(([name, { failure }]) =>
      failure === undefined ? [] : [`!!! ${name} NOT MEASURED: ${failure}`],
    ),
    ...(missed > 0 ? [`!!! ${missed} OF ${figures.length} FIGURES MISSED !!!`] : []),
  ].join('\n\n');
}

/** The tables of a run, each with the load of the machine while it was measured. */
export function reportTables(report: Report): Table[] {
  const { startedAt, durationMs, machine, cores, node, sections } = report;
  const run = `Transfer Notifier, ${startedAt.slice(0, 10)}, ${Math.round(durationMs / 1000)} s`;
  return [
    { id: 'run', title: '', text: `${run}\n${machine}, ${cores} cores, Node.js ${node}` },
    ...Object.values(sections).flatMap(({ result, load }) =>
      (result?.tables ?? []).map((one) => ({
        ...one,
        title: `${one.title}\n(load average ${load.toFixed(1)}, ${cores} cores)`,
      })),
    ),
    { id: 'figures', title: 'What the design promises', text: figureTable(figuresOf(report)) },
  ];
}

const figureTable = (figures: readonly Figure[]): string =>
  table(
    ['figure of the design', 'promise', 'measured', ''],
    figures.map(({ what, promise, measured, isReached }) => [
      what,
      promise,
      figureText(measured),
      isReached ? 'reached' : 'MISSED',
    ]),
    4,
  );

/** A range of whole numbers, a single measurement, or median, least and greatest; large ones in whole numbers. */
function figureText(measured: Spread): string {
  const { least, median, greatest } = measured;
  if (Number.isInteger(least + greatest)) return range(measured);
  const format = median < 100 ? fine : number;
  return least === greatest ? format.format(median) : spread(measured, format);
}
