import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findings } from '#functions/explain/finding.ts';
import { happenings } from '#functions/explain/timeline.ts';
import { verdicts } from '#functions/explain/verdict.ts';
import { languages } from '#functions/notices/words/words.ts';
import { postFailures } from '#functions/webhooks/http/webhook-client.ts';
import de from '#infra/console/words/de.json' with { type: 'json' };
import en from '#infra/console/words/en.json' with { type: 'json' };
import { consoleWords, type Phrase, preferredLanguage } from '#infra/console/words/words.ts';

type Catalogue = Record<string, string | Record<string, string>>;
const catalogues: Record<(typeof languages)[number], Catalogue> = { en, de };
const formsOf = (phrase: string | Record<string, string>): string[] =>
  typeof phrase === 'string' ? [phrase] : Object.values(phrase);
const placeholdersOf = (phrase: string | Record<string, string>): string[] =>
  [...new Set(formsOf(phrase).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].toSorted();

const source = globSync('infra/console/**/*.ts')
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

/** Beginnings of phrases that the code completes, such as `verdict.`. */
const beginnings = [...source.matchAll(/`([a-z][\w.-]*\.)\$\{/g)].map(([, beginning]) => beginning!);

describe('the catalogues of the console', () => {
  it.each(languages)('have the same phrases and placeholders in %s as in English', (language) => {
    expect(Object.keys(catalogues[language])).toEqual(Object.keys(en));
    for (const [name, phrase] of Object.entries(en))
      expect([name, placeholdersOf(catalogues[language][name]!)]).toEqual([name, placeholdersOf(phrase)]);
  });

  it.each(languages)('have every plural form of %s, each with all placeholders', (language) => {
    const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
    for (const [name, phrase] of Object.entries(catalogues[language])) {
      if (typeof phrase === 'string') continue;
      expect([name, Object.keys(phrase).toSorted()]).toEqual([name, pluralCategories.toSorted()]);
      for (const form of formsOf(phrase)) expect([name, placeholdersOf(form)]).toEqual([name, placeholdersOf(phrase)]);
      expect(placeholdersOf(phrase)).toContain('{count}');
    }
  });

  it('have no phrase that no page says', () => {
    const unused = Object.keys(en).filter(
      (name) =>
        name !== 'locale' &&
        !source.includes(`'${name}'`) &&
        !beginnings.some((beginning) => name.startsWith(beginning) && !name.slice(beginning.length).includes('.')),
    );
    expect(unused).toEqual([]);
  });

  it.each<[beginning: string, names: readonly string[]]>([
    ['verdict.why.', verdicts],
    ['finding-of.', findings],
    ['finding-of.why.', findings],
    ['happening.', happenings],
    ['attempt.', [...postFailures, 'too-long']],
  ])('have a phrase %s for each that there is, and no other', (beginning, names) => {
    const own = Object.keys(en).filter((name) => name.startsWith(beginning));
    const found = own.map((name) => name.slice(beginning.length)).filter((name) => !name.includes('.'));
    expect(found.toSorted()).toEqual(names.toSorted());
  });

  it.each(languages)('fill every phrase of %s', (language) => {
    const { say } = consoleWords(language, 'Europe/Berlin');
    for (const [name, phrase] of Object.entries(catalogues[language])) {
      for (const count of [0, 1, 2, 1000]) {
        const names = placeholdersOf(phrase).map((placeholder) => placeholder.slice(1, -1));
        const said = say(name as Phrase, Object.fromEntries(names.map((one) => [one, one === 'count' ? count : 'x'])));
        expect(said, name).not.toMatch(/undefined|NaN|[{}]/);
      }
    }
  });
});

describe('consoleWords', () => {
  it('writes times to the second in the time zone of the page', () => {
    const times = languages.map((language) => consoleWords(language, 'Europe/Berlin').time('2026-11-26T07:30:05.000Z'));
    expect(times).toEqual(['26 Nov 2026, 08:30:05', '26.11.2026, 08:30:05']);
    expect(consoleWords('en', 'UTC').time('soon')).toBe('?');
  });
});

describe('preferredLanguage', () => {
  it.each([
    ['de', 'de'],
    ['de-AT,de;q=0.9', 'de'],
    ['fr, de;q=0.8, en;q=0.5', 'de'],
    ['fr, de;q=0.2, en;q=0.5', 'en'],
    ['de;q=0', 'en'],
    ['*', 'en'],
    ['', 'en'],
    [undefined, 'en'],
    ['DE', 'de'],
    [',;q=,de;q=x', 'en'],
  ])('finds in %j the language %s', (accepted, language) => {
    expect(preferredLanguage(accepted)).toBe(language);
  });
});
