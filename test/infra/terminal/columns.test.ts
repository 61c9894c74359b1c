import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { printable } from '#functions/notices/foreign-text.ts';
import { columnsOf, cutMiddle, cutTo, wrapped } from '#infra/terminal/columns.ts';

const text = fc
  .string({
    unit: fc.oneof(fc.constantFrom(' ', 'a', '漢', '😀', 'é'), fc.constantFrom('e\u0301', 'ｗ', '한', '✔', '→')),
    maxLength: 150,
  })
  .map((any) => printable(any));

describe('columnsOf', () => {
  it('counts for every character at least as many columns as Node.js moves a cursor', () => {
    const output = Object.assign(new PassThrough(), { columns: 1e9 });
    const line = createInterface({ input: new PassThrough(), output, terminal: true, prompt: '' });
    onTestFinished(() => line.close());
    const narrower: string[] = [];
    for (let point = 0x20; point < 0x110000; point += 1) {
      const character = String.fromCodePoint(point);
      // Node.js takes characters apart that Unicode composes from others.
      if (printable(character) !== character || character.normalize('NFC') !== character) continue;
      Object.assign(line, { line: character, cursor: character.length });
      if (columnsOf(character) < line.getCursorPos().cols) narrower.push(point.toString(16));
    }
    expect(narrower).toEqual([]);
  });

  it.each([
    ['abc → …', 7],
    ['漢字', 4],
    ['😀', 2],
  ])('counts %j as %i', (given, columns) => expect(columnsOf(given)).toBe(columns));
});

describe('cutTo', () => {
  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['one two', 5, 'one…'],
    ['漢字漢字', 6, '漢字…'],
    ['abc', 0, ''],
  ])('shortens %j to %i columns as %j', (given, columns, cut) => expect(cutTo(given, columns)).toBe(cut));

  it('never exceeds the columns, and divides no character', () => {
    fc.assert(
      fc.property(text, fc.nat(120), (given, columns) => {
        const cut = cutTo(given, columns);
        expect(columnsOf(cut)).toBeLessThanOrEqual(columns);
        expect(cut.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('cutMiddle', () => {
  it.each([
    ['alice@example.com', 17, 'alice@example.com'],
    ['alice@example.com', 9, 'alic….com'],
    ['漢字漢字', 6, '漢…字'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
  ])('shortens %j to %i columns as %j', (given, columns, cut) => expect(cutMiddle(given, columns)).toBe(cut));

  it('never exceeds the columns, and divides no character', () => {
    fc.assert(
      fc.property(text, fc.nat(120), (given, columns) => {
        const cut = cutMiddle(given, columns);
        expect(columnsOf(cut)).toBeLessThanOrEqual(columns);
        expect(cut.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('wrapped', () => {
  it.each([
    ['one two three', 8, 6, ['one two', 'three']],
    ['one two three', 20, 6, ['one two three']],
    ['漢字 漢字', 4, 4, ['漢字', '漢字']],
  ])('breaks %j between words', (given, first, next, lines) => expect(wrapped(given, first, next)).toEqual(lines));

  it('loses nothing, and keeps to the columns unless a word is to be copied whole', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 64, max: 120 }), (given, columns) => {
        const lines = wrapped(given, columns);
        expect(lines.join('').replaceAll(' ', '')).toBe(given.replaceAll(' ', ''));
        for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
      }),
    );
    const secret = 'x'.repeat(50);
    expect(wrapped(`secret: ${secret} once`, 20)).toEqual(['secret:', secret, 'once']);
  });
});
