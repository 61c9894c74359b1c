import type { Severity } from '#functions/events/catalogue.ts';
import { cut, neutralItem, printable } from './foreign-text.ts';
import type { NoticeItem, NoticeRecord } from './notice-record.ts';

/** Longest message in bytes: https://learn.microsoft.com/en-us/microsoftteams/limits-specifications-teams */
const maxMessage = 28_000;
/** Longest text of one block in characters, before its marks are escaped. */
const maxBlock = 600;

const colours: Record<Severity, string> = { info: 'Accent', warning: 'Warning', alert: 'Attention' };

/**
 * The body for a Teams channel: an Adaptive Card in a workflow's envelope. The workflow is "Post to a channel when a
 * webhook request is received". Foreign text cannot mention anyone, make links or break the layout. Transfers beyond
 * the size limit are only counted.
 */
export function teamsMessage(record: NoticeRecord): string {
  for (let named = record.items.length; ; named -= 1) {
    const message = JSON.stringify(cardMessage(record, named));
    // Teams counts the card as an escaped JSON string within another document.
    if (named === 0 || Buffer.byteLength(JSON.stringify(message)) <= maxMessage) return message;
  }
}

function cardMessage({ headline, severity, paragraphs, items, more }: NoticeRecord, named: number): object {
  const uncounted = more + items.length - named;
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      block(headline, { weight: 'Bolder', size: 'Medium', color: colours[severity] }),
      ...paragraphs.map((text) => block(text)),
      ...(named > 0 ? [{ type: 'FactSet', facts: items.slice(0, named).map(neutralItem).map(fact) }] : []),
      ...(uncounted > 0 ? [block(`and ${uncounted} more`)] : []),
    ],
  };
  const contentType = 'application/vnd.microsoft.card.adaptive';
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content }] };
}

const block = (text: string, style: object = {}) => ({ type: 'TextBlock', text: shown(text), wrap: true, ...style });

const fact = ({ words, trackingId, before }: NoticeItem) => {
  return { title: shown(words), value: shown(`${trackingId} ${before}`) };
};

/**
 * Cards interpret a subset of Markdown; a backslash escapes its marks and `{{DATE(…)}}`.
 * https://learn.microsoft.com/en-us/adaptive-cards/authoring-cards/text-features
 */
const shown = (text: string): string =>
  cut(printable(text).trim(), maxBlock)
    .replaceAll(/[\\`*_{}[\]()<>#+!|~&]/g, (mark) => `\\${mark}`)
    .replace(/^(?<digits>\d*)(?<bullet>[-.])(?=\s|$)/, '$<digits>\\$<bullet>');
