/**
 * Characters that take two columns: East Asian Wide and Fullwidth (UAX 11), and all emoji beyond Latin-1, which some
 * terminals show wide.
 */
const wide =
  /[\u{1100}-\u{115f}\u{2329}\u{232a}\u{2630}-\u{2637}\u{268a}-\u{268f}\u{2e80}-\u{303e}\u{3041}-\u{a4cf}\u{a960}-\u{a97c}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe10}-\u{fe19}\u{fe30}-\u{fe6b}\u{ff01}-\u{ff60}\u{ffe0}-\u{ffe6}\u{16fe0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]|(?![\0-\xff])\p{Emoji}/u;

/** Columns of a line at most: more are hard to read, and terminals are rarely wider. */
export const mostColumns = 100;

/** Columns of a text without control characters, at most as many as a terminal may need for it. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += wide.test(character) ? 2 : 1;
  return columns;
}

/** Shortens a text to a number of columns, with `…` for the rest; a character is never divided. */
export function cutTo(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  return columns < 1 ? '' : `${startOf(text, columns - 1).trimEnd()}…`;
}

/**
 * Shortens a text to a number of columns, with `…` for its middle.
 *
 * @example cutMiddle('alice@example.com', 9); // 'alic….com'
 */
export function cutMiddle(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  if (columns < 1) return '';
  const end = endOf(text, Math.floor((columns - 1) / 2));
  return `${startOf(text, columns - 1 - columnsOf(end))}…${end}`;
}

/** Columns of a word that is never divided: commands, addresses and secrets can be copied as they are. */
const mostUndivided = 64;

/** Columns that the longest undivided word of a text takes. */
export const undividedColumns = (text: string): number =>
  text.split(' ').reduce((most, word) => Math.max(most, Math.min(columnsOf(word), mostUndivided)), 0);

/**
 * Breaks a text into lines, between words where it can. A word of up to 64 columns stays whole even on a terminal that
 * is narrower. Lines after the first have `next` columns.
 *
 * @example wrapped('one two three', 8, 6); // ['one two', 'three']
 */
export function wrapped(text: string, first: number, next = first): string[] {
  if (columnsOf(text) <= first) return [text];
  // A wide character has to fit in any case.
  const most = startOf(text, Math.max(2, first));
  const end = text[most.length] === ' ' ? most.length : most.lastIndexOf(' ');
  const [word = ''] = text.split(' ', 1);
  const whole = columnsOf(word) <= mostUndivided ? word : most;
  const line = most.slice(0, Math.max(0, end)).trim() === '' ? whole || most : text.slice(0, end);
  const rest = text.slice(line.length).trimStart();
  return rest === '' ? [line.trimEnd()] : [line.trimEnd(), ...wrapped(rest, next, next)];
}

/** The longest beginning that fits. */
function startOf(text: string, columns: number): string {
  let start = '';
  let left = columns;
  for (const character of text) {
    left -= columnsOf(character);
    if (left < 0) break;
    start += character;
  }
  return start;
}

/** The longest end that fits. */
function endOf(text: string, columns: number): string {
  let end = '';
  let left = columns;
  for (const character of [...text].reverse()) {
    left -= columnsOf(character);
    if (left < 0) break;
    end = character + end;
  }
  return end;
}
