import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { neutral, printable, unlinked } from '#functions/notices/foreign-text.ts';
import { printableJson, printableLines } from '#infra/terminal/printable.ts';
import { expectHarmless, hostileTexts } from './hostile-notices.ts';

const anyText = fc
  .array(fc.oneof(fc.constantFrom(...hostileTexts), fc.string({ unit: 'binary', maxLength: 10 })), { maxLength: 5 })
  .map((parts) => parts.join(''));

describe('neutral', () => {
  it('disarms any text, and leaves the result unchanged', () => {
    for (const text of hostileTexts) expectHarmless(neutral(text));
    fc.assert(
      fc.property(anyText, (text) => {
        expectHarmless(neutral(text));
        expect(neutral(neutral(text))).toBe(neutral(text));
      }),
    );
  });

  it.each([
    ['see http://evil.example/reset', 'see http: //evil. example/reset'],
    ['www.evil.example', 'www. evil. example'],
    ['mailto:reset@evil.example', 'mailto: reset@ evil. example'],
    ['http：//evil．example', 'http： //evil． example'],
    ['h\u200bttp://evil.example', 'http: //evil. example'],
    ['ok \u202egnp.exe', 'ok gnp. exe'],
    ['\u001b]8;;http://evil.example\u0007click\u001b]8;;\u0007', 'click'],
    ['\u001b[31mred\r\nsecond line', 'red  second line'],
    ['cafe\u0301.example', 'cafe\u0301. example'],
    ['evil.e\u0301xample', 'evil. e\u0301xample'],
    ['💩.la/x', '💩. la/x'],
    ['hidden \udb40\u200b\udc41 \udb40\u001b[0m\udd00', 'hidden      '],
  ])('turns %j into %j', (text, expected) => {
    expect(neutral(text)).toBe(expected);
  });

  it.each([
    'ACTIVE',
    '20240522-065711-H8UoUSI6',
    'On hold: virus check',
    'since 14:05',
    'On hold, 1.5 GB',
    'Prüfung läuft…',
    'e.g. a_b',
  ])('leaves %j unchanged', (text) => expect(neutral(text)).toBe(text));
});

describe('unlinked', () => {
  it.each([
    ['check server.url and schedule.every', 'check server.url and schedule.every'],
    ['npm run notifier -- watch verify alice@example.com', 'npm run notifier -- watch verify alice@example.com'],
    ['got http://evil.example/x', 'got http: //evil. example/x'],
    ['see resetWWW.evil.example', 'see resetWWW. evil.example'],
  ])('turns %j into %j', (text, expected) => {
    expect(unlinked(text)).toBe(expected);
  });
});

describe('printableLines and printable', () => {
  it('keep the lines of a text, or join them, and nothing else that steers a terminal', () => {
    expect(printableLines('one\r\n  two\u001b[2J\u202e\nthree')).toBe('one\n  two\nthree');
    expect(printable('one\ntwo')).toBe('one two');
  });
});

describe('printableJson', () => {
  it('is the same JSON, with escapes for what does not show', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(undefined, 2), (text, indent) => {
        const json = printableJson({ text, [text]: 1 }, indent);
        expect(JSON.parse(json)).toEqual({ text, [text]: 1 });
        expect(json).not.toMatch(/[\p{Cf}\p{Cs}\p{Zl}\p{Zp}\x7f-\x9f]|\p{Default_Ignorable_Code_Point}/u);
      }),
    );
    expect(printableJson('\u202e\u{e0001}')).toBe('"\\u202e\\udb40\\udc01"');
  });
});
