import { type Html, html } from '#infra/console/html/html.ts';
import type { Words } from '#infra/console/words/words.ts';

const whenForm =
  /^(?:(?<fixed>at once|every minute|hourly)|daily at (?<daily>\d\d:\d\d)|weekly on (?<day>[a-z]+) at (?<time>\d\d:\d\d))$/;

/** When a reader gets messages, from the English of the configuration; what another version may have stored stays so. */
export function readerWhen({ say, language }: Words, when: string): Html | string {
  const { fixed, daily, day, time = '' } = whenForm.exec(when)?.groups ?? {};
  if (fixed === 'at once') return say('reader.at-once');
  if (fixed === 'every minute') return say('reader.every-minute');
  if (fixed === 'hourly') return say('reader.hourly');
  if (daily !== undefined) return say('reader.daily', { time: daily });
  const weekday = day && weekdayIn(language, day);
  return weekday ? say('reader.weekly', { day: weekday, time }) : html`<span lang="en">${when}</span>`;
}

/** Days and times at which a reader gets no message. */
export const readerQuiet = ({ language }: Words, quiet: readonly string[]): string =>
  quiet.map((one) => weekdayIn(language, one) ?? one).join(', ');

/** A language in the language of the page. @example languageName(words, 'de'); // 'German' */
export const languageName = ({ language }: Words, code: string): string =>
  new Intl.DisplayNames(language, { type: 'language' }).of(code) ?? code;

/** A day in a language; undefined for what is none in English. */
function weekdayIn(language: string, english: string): string | undefined {
  const name = (of: string, day: number) =>
    // The fourth of January 1970 was a Sunday.
    new Intl.DateTimeFormat(of, { weekday: 'long', timeZone: 'UTC' }).format(new Date(Date.UTC(1970, 0, 4 + day)));
  const day = Array.from({ length: 7 }, (_, index) => index).find(
    (index) => name('en', index).toLowerCase() === english,
  );
  return day === undefined ? undefined : name(language, day);
}
