import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, inject, onTestFinished } from 'vitest';
import { load, type Transferred } from './transferred.ts';

/** A person with a browser of their own: cookies, language and theme. */
export interface Visitor {
  readonly page: Page;
  /** Errors of the console's pages: of their script, of their policy, and requests to other places. */
  readonly faults: string[];
  /** Opens an address and measures what it transfers until it has loaded. */
  load(address: string): Promise<Transferred>;
  leave(): Promise<void>;
}

export type VisitorOptions = Pick<BrowserContextOptions, 'locale' | 'colorScheme' | 'viewport' | 'javaScriptEnabled'>;

let connected: Promise<Browser> | undefined;

/** The browser that all files use. */
export function browser(): Promise<Browser> {
  connected ??= chromium.connect(inject('browser'));
  return connected;
}

/** Opens a browser as of a new person, until the test has finished. */
export async function visit(options: VisitorOptions = {}): Promise<Visitor> {
  const visitor = await newVisitor(options);
  onTestFinished(() => visitor.leave());
  return visitor;
}

/** Opens a browser as of a new person, until the file has ended. */
export function visitForAll(options: VisitorOptions = {}): Promise<Visitor> {
  const visitor = newVisitor(options);
  afterAll(async () => (await visitor).leave());
  return visitor;
}

async function newVisitor(options: VisitorOptions): Promise<Visitor> {
  const context = await (await browser()).newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const { hostname } = new URL(request.url());
    if (hostname !== '127.0.0.1') faults.push(`asked elsewhere: ${request.url()}`);
  });
  return {
    page,
    faults,
    load: (address) => load(page, address),
    leave: () => context.close(),
  };
}
