import type { Severity } from '#functions/events/catalogue.ts';
import { cut, printable } from './foreign-text.ts';
import type { Message, MessageLine, MessageSection } from './message.ts';
import { wordsIn } from './words/words.ts';

/** Longest message in bytes: https://learn.microsoft.com/en-us/microsoftteams/limits-specifications-teams */
const maxMessage = 28_000;
/** Longest text of one block in characters, before its marks are escaped. */
const maxBlock = 600;

const colours: Record<Severity, string> = { info: 'Accent', warning: 'Warning', alert: 'Attention' };

/**
 * The body for a Teams channel: an Adaptive Card in a workflow's envelope. The workflow is "Post to a channel when a
 * webhook request is received". Foreign text cannot mention anyone, make links or break the layout. Lines beyond
 * the size limit are only counted.
 */
export function teamsMessage(message: Message): string {
  const all = message.sections.reduce((sum, { lines }) => sum + lines.length, 0);
  for (let shownLines = all; ; shownLines -= 1) {
    const body = JSON.stringify(cardMessage(message, shownLines, all - shownLines));
    // Teams counts the card as an escaped JSON string within another document.
    if (shownLines === 0 || Buffer.byteLength(JSON.stringify(body)) <= maxMessage) return body;
  }
}

function cardMessage({ language, headline, severity, sections, footer }: Message, lines: number, more: number): object {
  let left = lines;
  const blocks = sections.flatMap((section) => {
    const fitting = section.lines.slice(0, left);
    left -= fitting.length;
    return sectionBlocks({ ...section, lines: fitting });
  });
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      block(headline, { weight: 'Bolder', size: 'Medium', color: colours[severity] }),
      ...blocks,
      ...(more > 0 ? [block(wordsIn(language).say('more', { count: more }))] : []),
      ...footer.map((text) => block(text, { isSubtle: true, size: 'Small' })),
    ],
  };
  const contentType = 'application/vnd.microsoft.card.adaptive';
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content }] };
}

function sectionBlocks({ title, paragraphs, lines }: MessageSection): object[] {
  const blocks = [
    ...paragraphs.map((text) => block(text)),
    ...(lines.length > 0 ? [{ type: 'FactSet', facts: lines.map(fact) }] : []),
  ];
  return title && blocks.length > 0 ? [block(title, { weight: 'Bolder', separator: true }), ...blocks] : blocks;
}

const block = (text: string, style: object = {}) => ({ type: 'TextBlock', text: shown(text), wrap: true, ...style });

/** A fact without a value may be left out by a client. */
const fact = ({ words, trackingId, detail }: MessageLine) => {
  return { title: shown(words), value: shown(`${trackingId} ${detail}`) || '–' };
};

/**
 * Cards interpret a subset of Markdown; a backslash escapes its marks and `{{DATE(…)}}`.
 * https://learn.microsoft.com/en-us/adaptive-cards/authoring-cards/text-features
 */
const shown = (text: string): string =>
  cut(printable(text).trim(), maxBlock)
    .replaceAll(/[\\`*_{}[\]()<>#+!|~&]/g, (mark) => `\\${mark}`)
    .replace(/^(?<digits>\d*)(?<bullet>[-.])(?=\s|$)/, '$<digits>\\$<bullet>');
