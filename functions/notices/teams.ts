import type { NoticeItem, NoticeRecord, Severity } from './notice-record.ts';

/** Longest message in bytes: https://learn.microsoft.com/en-us/microsoftteams/limits-specifications-teams */
const maxMessage = 28_000;

/** Longest text of one block in characters, before its marks are escaped. */
const maxBlock = 600;

const colours: Record<Severity, string> = { info: 'Accent', warning: 'Warning', alert: 'Attention' };

/**
 * The body for a Teams channel: an Adaptive Card in the envelope that the workflow "Post to a channel when a webhook
 * request is received" expects. Transfers for which there is no room are only counted. What others have chosen, such as
 * tracking ids and addresses, cannot mention anyone, make links or break the layout.
 */
export function teamsMessage(record: NoticeRecord): string {
  for (let named = record.items.length; ; named -= 1) {
    const message = JSON.stringify(cardMessage(record, named));
    if (named === 0 || Buffer.byteLength(message) <= maxMessage) return message;
  }
}

function cardMessage({ headline, severity, paragraphs, items, more }: NoticeRecord, named: number): object {
  const uncounted = more + items.length - named;
  return {
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
            block(headline, { weight: 'Bolder', size: 'Medium', color: colours[severity] }),
            ...paragraphs.map((text) => block(text)),
            ...(named > 0 ? [{ type: 'FactSet', facts: items.slice(0, named).map(fact) }] : []),
            ...(uncounted > 0 ? [block(`and ${uncounted} more`)] : []),
          ],
        },
      },
    ],
  };
}

const block = (text: string, style: object = {}) => ({ type: 'TextBlock', text: neutral(text), wrap: true, ...style });

const fact = ({ words, trackingId, before }: NoticeItem) => ({
  title: neutral(words),
  value: neutral(`${trackingId} ${before}`),
});

/**
 * Cards read a part of Markdown: a backslash takes the meaning from its marks, and from `{{DATE(…)}}`. For addresses of
 * which a client may make links by itself there is no escape; a space without width parts them.
 * https://learn.microsoft.com/en-us/adaptive-cards/authoring-cards/text-features
 */
const neutral = (text: string): string =>
  cut(text.replaceAll(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_C}]/gu, ' ').trim())
    .replaceAll(/:(?=\/\/)|www(?=\.)/gi, (part) => `${part}\u200b`)
    .replaceAll(/[\\`*_{}[\]()<>#+!|~&]/g, (mark) => `\\${mark}`)
    .replace(/^(?<digits>\d*)(?<bullet>[-.])(?=\s|$)/, '$<digits>\\$<bullet>');

/** Cuts between characters, never within a surrogate pair. */
const cut = (text: string): string =>
  text.length <= maxBlock ? text : `${text.slice(0, maxBlock - 1).replace(/[\ud800-\udbff]$/, '')}…`;
