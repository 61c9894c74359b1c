import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { transferEvent } from '#functions/events/transfer-event.ts';
import type { SeenRequest } from '#test/infra/cli/documented-request.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { startOperatorApi } from '#test/infra/cli/scripted-api.ts';

const folder = mkdtempSync(join(tmpdir(), 'notices-'));
afterAll(() => rmSync(folder, { recursive: true }));

const api = await startOperatorApi();
const hour = 3_600_000;
const now = () => new Date('2026-11-24T12:00:00.000Z');
const notice = (...args: string[]) => run(['notice', ...args, '--url', api.url], { now });

const reader = {
  ...{ language: 'en', timeZone: 'Europe/Berlin', when: 'daily at 07:30' },
  ...{ urgent: [], quiet: [], evenIfEmpty: false },
};
const team = {
  ...{ name: 'team', status: 'active', isDeclared: true, createdAt: '2026-11-24T10:00:00.000Z', format: 'email' },
  ...{ url: 'mailto:…', types: ['transfer.*'], headerNames: [], retryDelaysMs: [5000], maxInFlight: 10, reader },
};

/** An event of a mailbox at a number of hours before now. */
const eventOf = (mailbox: string, trackingId: string, hoursAgo: number, state = 'FAILED') =>
  transferEvent(
    'https://cryptshare.example.com',
    { mailbox, direction: 'sent' },
    { trackingId, state, previousState: 'ACTIVE', sequence: 1 },
    new Date(now().getTime() - hoursAgo * hour).toISOString(),
  );

const stored = [
  eventOf('alice@example.com', 'new-1', 1),
  eventOf('alice@example.com', 'new-2', 23, 'DELETED_BY_EXPIRATION'),
  eventOf('bob@example.com', 'other', 2),
  eventOf('alice@example.com', 'old-1', 30),
  eventOf('alice@example.com', 'old-2', 40),
  eventOf('alice@example.com', 'older', 160),
];

/** The stored events within a query's times, as the operator API lists them. */
function listed({ url }: SeenRequest) {
  const { searchParams } = new URL(url, api.url);
  const [from, until] = ['from', 'until'].map((name) => searchParams.get(name)!);
  return { body: { items: stored.filter(({ timestamp }) => timestamp >= from! && timestamp < until!) } };
}

const have = (endpoint: object) => api.on('GET /endpoints/team', { body: { ...team, ...endpoint } });
beforeEach(() => {
  have({ mailboxes: ['Alice@example.com'] });
  api.on('GET /events', listed);
});

describe('notice preview', () => {
  it('shows the digest of what is stored as the reader would get it, compared with the one before', async () => {
    const { code, stdout, stderr } = await notice('preview', '--reader', 'team');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'team would get this for 2 events since 2026-11-23 12:00:00 UTC:\n',
    });
    expect(stdout).toMatch(/^\nSubject: 1 transfer from alice@example\.com failed and 1 expired\n/);
    for (const text of ['new-1', 'new-2', '(before: 2)', '13:00']) expect(stdout).toContain(text);
    expect(stdout).not.toMatch(/other|old/);
  });

  it('asks for the types of the reader alone, and sends nothing', async () => {
    await notice('preview', '--reader', 'team');
    expect(api.requests.map(({ method }) => method)).not.toContain('POST');
    const asked = api.requests.filter(({ url }) => url.startsWith('/events')).map(({ url }) => new URL(url, api.url));
    expect(asked.map(({ searchParams }) => searchParams.get('type'))).toEqual(['transfer.*', 'transfer.*']);
  });

  it('speaks the language of the reader', async () => {
    have({ reader: { ...reader, language: 'de' } });
    const { stdout } = await notice('preview', '--reader', 'team');
    expect(stdout).toContain('fehlgeschlagen');
    expect(stdout).not.toContain('failed');
  });

  it.each([
    ['weekly on monday at 07:30', ['new-1', 'old-2', 'older'], []],
    ['hourly', ['new-1'], ['new-2', 'old-1']],
    ['at once', ['new-1', 'new-2'], ['old-1']],
  ])('tells what has come since the last digest of a reader %s', async (when, told, untold) => {
    have({ reader: { ...reader, when } });
    const { stdout } = await notice('preview', '--reader', 'team');
    for (const trackingId of told) expect(stdout).toContain(trackingId);
    for (const trackingId of untold) expect(stdout).not.toContain(trackingId);
  });

  it('tells the events of another time with --period', async () => {
    const { stdout } = await notice('preview', '--reader', 'team', '--period', '2d');
    for (const trackingId of ['new-1', 'old-2']) expect(stdout).toContain(trackingId);
    expect(stdout).not.toContain('older');
  });

  it('writes the mail as a page of HTML with --html', async () => {
    const file = join(folder, 'digest.html');
    const { stderr } = await notice('preview', '--reader', 'team', '--html', file);
    expect(stderr).toContain(`wrote ${file}\n`);
    const page = readFileSync(file, 'utf8');
    expect(page).toMatch(/^<!doctype html>/i);
    expect(page).toContain('new-1');
  });

  it('names a file that cannot be written', async () => {
    const file = join(folder, 'none', 'digest.html');
    const { code, stderr } = await notice('preview', '--reader', 'team', '--html', file);
    expect(code).toBe(2);
    expect(stderr).toBe(`--html: ${file} cannot be written (ENOENT)\n`);
  });

  it('prints subject and text alone with --json', async () => {
    const { stdout, stderr } = await notice('preview', '--reader', 'team', '--json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      subject: '1 transfer from alice@example.com failed and 1 expired',
      body: expect.stringContaining('new-2'),
    });
  });

  it.each([
    ['slack', 'blocks'],
    ['teams', 'attachments'],
  ])('shows a chat of %s the body that is posted there', async (format, field) => {
    have({ format });
    const { body } = JSON.parse((await notice('preview', '--reader', 'team', '--json')).stdout);
    expect(body).toHaveProperty(field);
    expect(JSON.stringify(body)).toContain('new-1');
  });

  it('refuses a webhook for systems, and names the command for it', async () => {
    have({ name: 'team', format: 'event', reader: undefined });
    for (const args of [
      ['preview', '--reader', 'team'],
      ['test', 'team'],
    ]) {
      const { code, stdout, stderr } = await notice(...args);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toBe('team is a webhook for a system, no reader: endpoint preview team shows what it gets\n');
    }
    expect(api.requests.map(({ url }) => url)).toEqual(['/endpoints/team', '/endpoints/team']);
  });

  it('exits with 3 for a reader that is not there', async () => {
    api.on('GET /endpoints/team', { status: 404, type: 'application/problem+json', body: { detail: 'there is none' } });
    expect((await notice('preview', '--reader', 'team')).code).toBe(3);
  });
});

describe('notice test', () => {
  const delivery = { event: 'dig_1', endpoint: 'team', eventAt: now().toISOString(), type: 'digest' };
  const attempt = { attempt: 1, startedAt: now().toISOString(), durationMs: 7 };
  beforeEach(() => api.on('POST /endpoints/team/test', { status: 202, body: { event: 'dig_1' } }));
  const answerWith = (attempts: object[], status: string) =>
    api.on('GET /deliveries/dig_1/team', { body: { ...delivery, status, attempt: 1, attempts } });

  it.each([
    ['a mail server', { status: 250 }, 'team answered SMTP 250 in 7 ms\n'],
    ['SNS, which has no status', {}, 'team: delivered in 7 ms\n'],
  ])('says that the message was taken by %s', async (_, answer, words) => {
    answerWith([{ ...attempt, outcome: 'delivered', ...answer }], 'DELIVERED');
    expect(await notice('test', 'team')).toMatchObject({ code: 0, stdout: words });
  });

  it('fails with the reason and the remedy when the mail server refuses the message', async () => {
    answerWith([{ ...attempt, outcome: 'failed', cause: 'mail_refused', status: 550 }], 'FAILED');
    const { code, stdout, stderr } = await notice('test', 'team');
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: 'team: the mail server refuses the mail (SMTP 550), after 7 ms\n',
    });
    expect(stderr).toContain('→ look at its answer; correct the address');
  });
});
