import type { NoticeItem, NoticeRecord, Severity } from './notice-record.ts';

/** Longest text of one block in characters: with 20 transfers and some paragraphs a message stays well under 28 KB. */
const maxBlock = 600;

const colours: Record<Severity, string> = { info: 'Accent', warning: 'Warning', alert: 'Attention' };

/**
 * The body for a Teams channel: an Adaptive Card in the envelope that the workflow "Post to a channel when a webhook
 * request is received" expects. What others have chosen cannot make links or break the layout.
 */
export function teamsMessage(record: NoticeRecord): string {
  const { headline, severity, paragraphs, items, more } = record;
  const block = (text: string, style: object = {}) => ({ type: 'TextBlock', text: cut(text), wrap: true, ...style });
  return JSON.stringify({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            block(neutral(headline), { weight: 'Bolder', size: 'Medium', color: colours[severity] }),
            ...paragraphs.map((text) => block(neutral(text))),
            ...(items.length > 0 ? [{ type: 'FactSet', facts: items.map(fact) }] : []),
            ...(more > 0 ? [block(`and ${more} more`)] : []),
          ],
        },
      },
    ],
  });
}

const fact = ({ words, trackingId, before }: NoticeItem) => ({
  title: cut(neutral(words)),
  value: cut(neutral(`${trackingId} ${before}`.trimEnd())),
});

/** Cards read a part of Markdown; a backslash takes the meaning from its marks. */
const neutral = (text: string): string =>
  text.replaceAll(/\p{Cc}|\p{Cs}/gu, ' ').replaceAll(/[\\`*_{}[\]()<>#+!|~]/g, (mark) => `\\${mark}`);

/** Cuts between characters, never within an escape or a surrogate pair. */
const cut = (text: string): string =>
  text.length <= maxBlock ? text : `${text.slice(0, maxBlock - 1).replace(/\\$|[\ud800-\udbff]$/, '')}…`;
