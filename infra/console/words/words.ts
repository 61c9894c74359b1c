import { type Language, languages, makeWords } from '#functions/notices/words/words.ts';
import de from './de.json' with { type: 'json' };
import en from './en.json' with { type: 'json' };

const catalogues = { en, de } satisfies Record<Language, typeof en>;

/** A phrase of the console; both catalogues have all of them. */
export type Phrase = keyof typeof en;

export type Words = ReturnType<typeof consoleWords>;

/** Words of the console in a language, with times in a time zone of the IANA data base. */
export function consoleWords(language: Language, timeZone: string) {
  const catalogue = catalogues[language];
  const hours = new Intl.DateTimeFormat(catalogue.locale, { hour: '2-digit', minute: '2-digit', timeZone });
  const times = new Intl.DateTimeFormat(catalogue.locale, { dateStyle: 'medium', timeStyle: 'medium', timeZone });
  return {
    ...makeWords<Phrase>(catalogue, timeZone),
    language,
    timeZone,
    /** A time to the second; the page names its time zone. @example time('2026-11-26T07:30:00Z'); // '26 Nov 2026, 08:30:00' */
    time: (iso: string): string => (Number.isNaN(Date.parse(iso)) ? '?' : times.format(Date.parse(iso))),
    /** The time of a day. @example hour('2026-11-26T07:00:00Z'); // '08:00', for Europe/Berlin */
    hour: (iso: string): string => hours.format(Date.parse(iso)),
  };
}

export const isLanguage = (text: string | undefined): text is Language => languages.some((one) => one === text);

/**
 * The first language that a browser prefers and the console has, by `Accept-Language` (RFC 9110, 12.5.4).
 *
 * @example preferredLanguage('fr, de;q=0.8, en;q=0.5'); // 'de'
 */
export function preferredLanguage(accepted = ''): Language {
  const ranked = accepted.split(',').flatMap((part) => {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const quality = parameters.find((text) => text.startsWith('q='))?.slice(2);
    const weight = quality === undefined ? 1 : Number(quality);
    const language = range.split('-')[0];
    return isLanguage(language) && weight > 0 ? [{ language, weight }] : [];
  });
  return ranked.toSorted((a, b) => b.weight - a.weight)[0]?.language ?? 'en';
}
