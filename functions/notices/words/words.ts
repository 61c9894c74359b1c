import de from './de.json' with { type: 'json' };
import en from './en.json' with { type: 'json' };

/** Languages of messages to people; each has a catalogue. */
export const languages = ['en', 'de'] as const;

export type Language = (typeof languages)[number];

/** Events explain a cause in English, with details; every other language has an entry for each cause. */
const catalogues: { en: typeof en } & Record<Exclude<Language, 'en'>, typeof de> = { en, de };

export type Phrase = keyof typeof de;

export type Words = WordsOf<Phrase>;

const known = new Map<string, Words>();

/** The words of a language, with times in a time zone of the IANA data base. */
export function wordsIn(language: Language, timeZone = 'UTC'): Words {
  const name = `${language} ${timeZone}`;
  const words = known.get(name) ?? makeWords<Phrase>(catalogues[language], timeZone);
  known.set(name, words);
  return words;
}

/** Phrases of one language by their names; one that counts has a form for each category of `Intl.PluralRules`. */
export type Catalogue = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

export type WordsOf<Phrase extends string> = ReturnType<typeof makeWords<Phrase>>;

/** Makes the words of a catalogue, whose `locale` says how numbers, times and lists are written. */
export function makeWords<Phrase extends string>(catalogue: Catalogue, timeZone: string) {
  const locale = catalogue.locale as string;
  const numbers = new Intl.NumberFormat(locale);
  const plurals = new Intl.PluralRules(locale);
  const times = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone });
  const zones = new Intl.DateTimeFormat(locale, { timeZoneName: 'short', timeZone });
  const lists = new Intl.ListFormat(locale);
  return {
    /** True for a phrase of this language. Types and causes that another version has stored may be none. */
    has: (phrase: string): phrase is Phrase => Object.hasOwn(catalogue, phrase),
    /** A phrase with values for its placeholders, in the plural form for `count`. */
    say(phrase: Phrase, values: Readonly<Record<string, string | number>> = {}): string {
      const forms = catalogue[phrase]!;
      const text = typeof forms === 'string' ? forms : (forms[plurals.select(Number(values.count))] ?? forms.other!);
      return text.replaceAll(/\{(\w+)\}/g, (_, name) => {
        const value = values[name]!;
        return typeof value === 'number' ? numbers.format(value) : value;
      });
    },
    list: (texts: readonly string[]): string => lists.format(texts),
    /** @example time('2026-11-26T07:30:00Z'); // '26.11.2026, 08:30 MEZ' in German, for Europe/Berlin */
    time(iso: string): string {
      const at = Date.parse(iso);
      if (Number.isNaN(at)) return '?';
      const zone = zones.formatToParts(at).find(({ type }) => type === 'timeZoneName');
      return `${times.format(at)} ${zone?.value}`;
    },
  };
}
