import type { NoticeItem, NoticeRecord, Severity } from './notice-record.ts';

/** Limits of Block Kit, in characters. */
const maxHeader = 150;
const maxSection = 3000;
const maxText = 1000;

const signs: Record<Severity, string> = { info: '🔵', warning: '🟠', alert: '🔴' };

/**
 * The body for Slack's incoming webhooks: a header, and sections with what the notice tells (Block Kit).
 * What others have chosen, such as tracking ids and addresses, cannot mention anyone, make links or break the layout.
 */
export function slackMessage(record: NoticeRecord): string {
  const lines = [
    ...record.paragraphs.map(escaped),
    ...record.items.map(itemLine),
    ...(record.more > 0 ? [`and ${record.more} more`] : []),
  ];
  return JSON.stringify({
    text: cut(escaped(record.headline), maxText),
    blocks: [
      {
        type: 'header',
        // Plain text is shown as it is; only emoji names would be replaced.
        text: {
          type: 'plain_text',
          text: cut(`${signs[record.severity]} ${printable(record.headline)}`, maxHeader),
          emoji: false,
        },
      },
      ...sections(lines).map((text) => ({ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } })),
    ],
  });
}

function itemLine({ words, trackingId, before }: NoticeItem): string {
  return `• *${escaped(words)}* \`${escaped(trackingId).replaceAll('`', "'")}\` ${escaped(before)}`.trimEnd();
}

/** As few sections as hold all lines. */
function sections(lines: readonly string[]): string[] {
  const texts: string[] = [];
  for (const line of lines.map((text) => cut(text, maxSection))) {
    const last = texts.at(-1);
    if (last === undefined || last.length + 1 + line.length > maxSection) texts.push(line);
    else texts[texts.length - 1] = `${last}\n${line}`;
  }
  return texts;
}

/**
 * Without the characters that Slack takes for emphasis, and with those escaped that it takes for links and mentions:
 * https://docs.slack.dev/messaging/formatting-message-text
 */
const escaped = (text: string): string =>
  printable(text)
    .replaceAll(/[*_~`]/g, (mark) => lookalikes[mark]!)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');

/** Slack knows no escape for its marks; these look the same and mean nothing. */
const lookalikes: Record<string, string> = { '*': '∗', _: '_\u200b', '~': '∼', '`': "'" };

const printable = (text: string): string => text.replaceAll(/\p{Cc}|\p{Cs}/gu, ' ');

/** Cuts between characters, never within an escape or a surrogate pair. */
function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit - 1).replace(/&[a-z]{0,4}$|[\ud800-\udbff]$/, '')}…`;
}
