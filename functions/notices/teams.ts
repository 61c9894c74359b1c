import type { Severity } from '#functions/events/catalogue.ts';
import { cut, printable } from './foreign-text.ts';
import type { Message, MessageLine } from './message.ts';

/** Longest message in bytes: https://learn.microsoft.com/en-us/microsoftteams/limits-specifications-teams */
const maxMessage = 28_000;
/** Longest text of one block in characters, before its marks are escaped. */
const maxBlock = 600;

const colours: Record<Severity, string> = { info: 'Accent', warning: 'Warning', alert: 'Attention' };

/**
 * The body for a Teams channel: an Adaptive Card in a workflow's envelope. The workflow is "Post to a channel when a
 * webhook request is received". Foreign text cannot mention anyone, make links or break the layout. If the card is too
 * large, its longest texts are cut.
 */
export function teamsMessage(message: Message): string {
  for (let limit = maxBlock; ; limit /= 2) {
    const body = JSON.stringify(cardMessage(message, (text) => shown(text, limit)));
    // Teams counts the card as an escaped JSON string within another document.
    if (Buffer.byteLength(JSON.stringify(body)) <= maxMessage) return body;
  }
}

function cardMessage({ headline, severity, sections, footer }: Message, shown: (text: string) => string): object {
  const block = (text: string, style: object = {}) => ({ type: 'TextBlock', text: shown(text), wrap: true, ...style });
  /** A client may leave out a fact without a value. */
  const fact = ({ words, trackingId, detail }: MessageLine) => {
    return { title: shown(words), value: shown(`${trackingId} ${detail}`) || '–' };
  };
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      block(headline, { weight: 'Bolder', size: 'Medium', color: colours[severity] }),
      ...sections.flatMap(({ title, paragraphs, lines }) => [
        ...(title ? [block(title, { weight: 'Bolder', separator: true })] : []),
        ...paragraphs.map((text) => block(text)),
        ...(lines.length > 0 ? [{ type: 'FactSet', facts: lines.map(fact) }] : []),
      ]),
      ...footer.map((text) => block(text, { isSubtle: true, size: 'Small' })),
    ],
  };
  const contentType = 'application/vnd.microsoft.card.adaptive';
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content }] };
}

/**
 * Cards interpret a subset of Markdown; a backslash escapes its marks and `{{DATE(…)}}`.
 * https://learn.microsoft.com/en-us/adaptive-cards/authoring-cards/text-features
 */
const shown = (text: string, limit: number): string =>
  cut(printable(text).trim(), limit)
    .replaceAll(/[\\`*_{}[\]()<>#+!|~&]/g, (mark) => `\\${mark}`)
    .replace(/^(?<digits>\d*)(?<bullet>[-.])(?=\s|$)/, '$<digits>\\$<bullet>');
