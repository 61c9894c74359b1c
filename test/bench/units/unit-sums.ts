import type { Units } from '#functions/dynamodb/partition.ts';

export const divide = ({ read, write }: Units, by: number): Units => ({ read: read / by, write: write / by });

export const subtract = (from: Units, units: Units): Units => ({
  read: from.read - units.read,
  write: from.write - units.write,
});

export const mean = (all: readonly Units[]): Units =>
  divide(
    all.reduce((sum, { read, write }) => ({ read: sum.read + read, write: sum.write + write }), { read: 0, write: 0 }),
    all.length,
  );
