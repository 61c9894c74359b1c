import type { NoticeRecord } from '#functions/notices/notice-record.ts';

/** Formats a notice for the console: its text, then its transfers as a table. */
export function noticeText({ headline, paragraphs, items, more }: NoticeRecord): string {
  const width = (part: 'words' | 'trackingId') => Math.max(0, ...items.map((item) => item[part].length));
  const [words, id] = [width('words'), width('trackingId')];
  return [
    ...(items.length > 0 ? [headline] : []),
    ...paragraphs,
    ...items.map((item) => `  ${item.words.padEnd(words)}  ${item.trackingId.padEnd(id)}  ${item.before}`.trimEnd()),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join('\n');
}
