import type { Page, Request } from 'playwright-core';

/** What a page has transferred until it has loaded. */
export interface Transferred {
  readonly requests: number;
  /** Bytes of heads and bodies of all answers, as they came. */
  readonly bytes: number;
}

/** Opens an address and measures what it transfers. */
export async function load(page: Page, address: string): Promise<Transferred> {
  // The page before may be asking for its news.
  await page.goto('about:blank');
  const requests: Request[] = [];
  const note = (request: Request) => requests.push(request);
  page.on('request', note);
  await page.goto(address, { waitUntil: 'load' });
  page.off('request', note);
  // The stream of news never ends.
  const ended = requests.filter((request) => request.resourceType() !== 'eventsource');
  const sizes = await Promise.all(ended.map((request) => request.sizes()));
  const bytes = sizes.reduce((sum, size) => sum + size.responseHeadersSize + size.responseBodySize, 0);
  return { requests: requests.length, bytes };
}
