import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { count, type Section, tableOf, time } from '#test/bench/section.ts';
import { type Spread, spreadOf } from '#test/bench/spread.ts';
import { fine, number, spread } from '#test/bench/table.ts';
import { chromiumPath } from '#test/browser/chromium.ts';
import { startReceiver } from '#test/browser/receiver.ts';
import { load } from '#test/browser/transferred.ts';
import { LocalRun } from '#test/infra/local/local-run.ts';

const rounds = 10;

/** More of each than the console shows on a page. */
const watches = 150;
const transfers = 10_000;
const changes = 150;

const clientId = 'benchclientid'.repeat(4);
const mailboxOf = (index: number) => `person-${index}@example.com`;

/** Loads pages of the console in Chromium, each in a tab of its own, with a local run that has more than a page shows. */
export const consolePages: Section = {
  name: 'console',
  what: 'pages of the console in Chromium',
  async measure() {
    const measured = await withConsole(measurePages);
    const largest = (of: (page: MeasuredPage) => number) => Math.max(...measured.map(of));
    const slowest = measured.toSorted((a, b) => b.paintMs.median - a.paintMs.median)[0]!;
    return {
      measured,
      tables: [
        tableOf(
          'console',
          'Pages of the console in Chromium: median (least to greatest)',
          ['page', 'rounds', 'requests', 'KB', 'first paint ms', 'loaded ms'],
          measured.map(({ name, requests, kilobytes, paintMs, loadMs }) => [
            ...[name, String(rounds), number.format(requests), fine.format(kilobytes)],
            ...[spread(paintMs), spread(loadMs)],
          ]),
        ),
      ],
      figures: [
        count(
          'largest page of the console',
          60,
          'KB',
          largest(({ kilobytes }) => kilobytes),
        ),
        count(
          'requests of a page of the console',
          5,
          'requests',
          largest(({ requests }) => requests),
        ),
        time('slowest page of the console: first paint', 500, 'ms', slowest.paintMs),
      ],
    };
  },
};

interface MeasuredPage {
  readonly name: string;
  readonly requests: number;
  /** KB of 10^3 bytes, as they were transferred. */
  readonly kilobytes: number;
  /** From the request to the first contentful paint. */
  readonly paintMs: Spread;
  readonly loadMs: Spread;
}

/** A console to measure, and a transfer and a delivery in it. */
interface Shown {
  readonly firstAddress: string;
  readonly trackingId: string;
}

/** Runs a notifier with much in it, and its console, as processes of their own. */
async function withConsole<T>(use: (shown: Shown) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'notifier-bench-console-'));
  const server = await startCryptshareServer();
  const receiver = await startReceiver();
  const running: LocalRun[] = [];
  try {
    server.verifications.registerClientId(clientId);
    const sender = mailboxOf(0);
    const seeded = server.transfers.seed({ sender, to: [mailboxOf(1)], count: transfers, state: 'ACTIVE' });
    const config = join(folder, 'notifier.config.json');
    const settings = {
      ...{ server: { url: server.url }, schedule: { every: '2s' } },
      watches: Array.from({ length: watches }, (_, index) => ({ mailbox: mailboxOf(index) })),
      webhooks: [{ name: 'crm', url: receiver.urlOf('crm') }],
      notify: { readers: [{ name: 'team', email: 'team@example.com', when: 'hourly' }] },
    };
    writeFileSync(config, JSON.stringify(settings));
    const data = ['--data', join(folder, 'data')];
    const run = new LocalRun(['--json', '--config', config, ...data, '--allow-private-webhooks'], {
      CRYPTSHARE_CLIENT_ID: clientId,
    });
    running.push(run);
    await run.line(() => run.lines.filter(({ outcome }) => outcome === 'baseline').length === watches);
    const changed = seeded.slice(0, changes).map(({ trackingId }) => trackingId);
    for (const trackingId of changed) server.transfers.setState(trackingId, 'DELETED_BY_EXPIRATION');
    const arrived = receiver.arrivals;
    await run.line(() => arrived.length >= changes);
    const program = [process.execPath, 'infra/cli/main.ts'];
    const shown = new LocalRun(['console', ...data, '--no-open', '--allow-changes'], {}, { program });
    running.push(shown);
    const { text } = await shown.line((line) => line.text!.includes('?token='));
    return await use({ firstAddress: /http:\S+/.exec(text!)![0], trackingId: changed[0]! });
  } finally {
    for (const run of running) {
      run.kill('SIGKILL');
      await run.exit();
    }
    await Promise.all([server.close(), receiver.close()]);
    rmSync(folder, { recursive: true });
  }
}

async function measurePages({ firstAddress, trackingId }: Shown): Promise<MeasuredPage[]> {
  const { origin } = new URL(firstAddress);
  const browser = await chromium.launch({ executablePath: chromiumPath() });
  try {
    const context = await browser.newContext();
    await (await context.newPage()).goto(firstAddress);
    const pages = [
      ['overview', '/'],
      ['transfers of a mailbox', `/transfers?mailbox=${mailboxOf(0)}&direction=sent`],
      ['a transfer', `/transfer?id=${trackingId}`],
      ['watches', '/watches'],
      ['a watch', `/watch?mailbox=${mailboxOf(0)}&direction=sent`],
      ['webhooks', '/webhooks'],
      ['a webhook', '/endpoint?name=crm'],
      ['deliveries', '/deliveries?endpoint=crm'],
      ['notices', '/notices'],
      ['doctor', '/doctor'],
    ] as const;
    const visits = pages.map(([name, address]) => ({ name, address, found: [] as Visit[] }));
    for (let round = 0; round < rounds; round += 1)
      for (const { address, found } of visits) found.push(await visit(context, `${origin}${address}`));
    return visits.map(({ name, found }) => ({
      name,
      requests: Math.max(...found.map(({ requests }) => requests)),
      kilobytes: Math.max(...found.map(({ bytes }) => bytes)) / 1000,
      paintMs: spreadOf(found.map(({ paintMs }) => paintMs)),
      loadMs: spreadOf(found.map(({ loadMs }) => loadMs)),
    }));
  } finally {
    await browser.close();
  }
}

interface Visit {
  readonly requests: number;
  readonly bytes: number;
  readonly paintMs: number;
  readonly loadMs: number;
}

/** Milliseconds from the request to the first contentful paint, which may come after the page has loaded. */
const firstPaint = `new Promise((resolve) =>
  new PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries()) if (name === 'first-contentful-paint') resolve(startTime);
  }).observe({ type: 'paint', buffered: true }))`;

/** Loads a page in a tab of its own. */
async function visit(context: BrowserContext, address: string): Promise<Visit> {
  const page = await context.newPage();
  try {
    const { requests, bytes } = await load(page, address);
    const paintMs = await page.evaluate<number>(firstPaint);
    const loadMs = await page.evaluate<number>("performance.getEntriesByType('navigation')[0].loadEventStart");
    return { requests, bytes, paintMs, loadMs };
  } finally {
    await page.close();
  }
}
