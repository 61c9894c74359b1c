import type { Severity } from '#functions/events/catalogue.ts';
import { cut, printable, unmarked } from './foreign-text.ts';
import type { Message, MessageLine } from './message.ts';

/** Limits of Block Kit, in characters and blocks: https://docs.slack.dev/reference/block-kit/blocks */
const maxHeader = 150;
const maxSection = 3000;
const maxBlocks = 50;
/** Longest text of a desktop notification in characters; Slack shows less. */
const maxText = 1000;

const signs: Record<Severity, string> = { info: '🔵', warning: '🟠', alert: '🔴' };

/** The body for Slack's incoming webhooks (Block Kit). Foreign text cannot mention anyone or make links. */
export function slackMessage({ severity, headline, sections, footer }: Message): string {
  const texts = sections.flatMap(({ title, paragraphs, lines }) =>
    joined([...(title ? [`*${shown(title)}*`] : []), ...paragraphs.map(shown), ...lines.map(lineText)]),
  );
  // Plain text stays unchanged, except that Slack would replace emoji names.
  const title = cut(`${signs[severity]} ${printable(headline)}`, maxHeader);
  return JSON.stringify({
    text: cutEscaped(shown(headline), maxText),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: title, emoji: false } },
      ...texts.slice(0, maxBlocks - 2).map((text) => ({ type: 'section', text: markdown(text) })),
      { type: 'context', elements: [markdown(cutEscaped(footer.map(shown).join('\n'), maxSection))] },
    ],
  });
}

/** Verbatim, otherwise Slack would make links of addresses. */
const markdown = (text: string) => ({ type: 'mrkdwn', text, verbatim: true });

function lineText({ words, trackingId, detail }: MessageLine): string {
  const code = trackingId && ` \`${escaped(printable(trackingId).replaceAll('`', "'"))}\``;
  return `• *${shown(words).trim()}*${code} ${shown(detail)}`.trimEnd();
}

/** As few texts as hold all lines. */
function joined(lines: readonly string[]): string[] {
  const texts: string[] = [];
  for (const line of lines.map((text) => cutEscaped(text, maxSection))) {
    const last = texts.at(-1);
    if (last === undefined || last.length + 1 + line.length > maxSection) texts.push(line);
    else texts[texts.length - 1] = `${last}\n${line}`;
  }
  return texts;
}

const shown = (text: string): string => escaped(unmarked(printable(text)));

/** Escapes links and mentions: https://docs.slack.dev/messaging/formatting-message-text */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Truncates an escaped text, but never within an escape. */
const cutEscaped = (text: string, limit: number): string => cut(text, limit).replace(/&[a-z]{0,3}…$/, '…');
