import { describe, expect, it } from 'vitest';
import { languageName, readerQuiet, readerWhen } from '#infra/console/pages/endpoints/reader-words.ts';
import { consoleWords } from '#infra/console/words/words.ts';

const german = consoleWords('de', 'UTC');
const english = consoleWords('en', 'UTC');

describe('the words of a reader', () => {
  it.each([
    ['at once', 'sofort', 'at once'],
    ['every minute', 'jede Minute', 'every minute'],
    ['hourly', 'stündlich', 'hourly'],
    ['daily at 07:30', 'täglich um 07:30', 'daily at 07:30'],
    ['weekly on monday at 07:30', 'wöchentlich am Montag um 07:30', 'weekly on Monday at 07:30'],
    ['at <full> moon', '<span lang="en">at &lt;full&gt; moon</span>', '<span lang="en">at &lt;full&gt; moon</span>'],
  ])('say %s in both languages', (when, inGerman, inEnglish) => {
    expect([`${readerWhen(german, when)}`, `${readerWhen(english, when)}`]).toEqual([inGerman, inEnglish]);
  });

  it('name days without messages, and languages, in the language of the page', () => {
    expect(readerQuiet(german, ['sunday', '22:00-07:00'])).toBe('Sonntag, 22:00-07:00');
    expect(readerQuiet(english, ['sunday'])).toBe('Sunday');
    expect([languageName(german, 'en'), languageName(english, 'de')]).toEqual(['Englisch', 'German']);
  });
});
