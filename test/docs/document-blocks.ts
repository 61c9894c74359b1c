import { readFileSync } from 'node:fs';

/** The page for those who receive webhooks. */
export const receivingWebhooks = readFileSync(new URL('../../docs/receiving-webhooks.md', import.meta.url), 'utf8');

/**
 * The code of a block of that page.
 *
 * @param info what stands behind the opening fence
 * @param begins what the code begins with, where several blocks have the same info
 */
export function block(info: string, begins = ''): string {
  const [, ...after] = receivingWebhooks.split(`\n\`\`\`${info}\n`);
  const text = after.find((each) => each.startsWith(begins));
  if (text === undefined) throw new Error(`docs/receiving-webhooks.md has no block ${info} ${begins}`);
  return `${text.slice(0, text.indexOf('\n```'))}\n`;
}
