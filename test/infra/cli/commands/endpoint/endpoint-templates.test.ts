import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunOptions, run } from '#test/infra/cli/run-cli.ts';
import { problem, startOperatorApi } from '#test/infra/cli/scripted-api.ts';

const folder = mkdtempSync(join(tmpdir(), 'templates-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'body.json');
const template = { routing_key: '{{ROUTING_KEY}}', summary: '{{words}}' };
const url = 'https://events.example.com/v2/enqueue';

const api = await startOperatorApi();
const endpoint = (args: readonly string[], options?: RunOptions) =>
  run(['endpoint', ...args, '--url', api.url], options);
const body = () => api.requests.at(-1)!.body;

describe('endpoint add --template', () => {
  const add = (environment = {}) =>
    endpoint(['add', 'crm', '--address', url, '--format', 'template', '--template', file], { environment });

  it('sends the file, and its variables from the environment', async () => {
    writeFileSync(file, JSON.stringify(template));
    api.on('POST /endpoints', { status: 201, body: { endpoint: { name: 'crm' } } });
    expect(await add({ ROUTING_KEY: 'hidden' })).toMatchObject({ code: 0 });
    expect(body()).toEqual({ name: 'crm', url, format: 'template', template, variables: { ROUTING_KEY: 'hidden' } });
  });

  it('names a variable that is not set', async () => {
    writeFileSync(file, JSON.stringify(template));
    const ran = await add();
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('--template names the environment variable ROUTING_KEY, which is not set');
  });

  it.each(['{"a": ', ''])('refuses a file that is not JSON: %j', async (text) => {
    writeFileSync(file, text);
    const ran = await add();
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(`--template: ${file} cannot be used, expected JSON`);
  });

  it('names every refused placeholder by the option and its path', async () => {
    writeFileSync(file, JSON.stringify({ summary: '{{none}}', list: ['{{no}}'] }));
    const problems = [
      { path: 'template.summary', message: '{{none}} is not in every event' },
      { path: 'template.list.0', message: '{{no}} is not in every event' },
    ];
    const detail = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
    api.on('POST /endpoints', problem(400, detail, { problems }));
    const { stderr } = await add();
    expect(stderr).toContain('--template summary: {{none}} is not in every event');
    expect(stderr).toContain('--template list.0: {{no}} is not in every event');
  });
});

describe('endpoint preview', () => {
  const data = {
    trackingId: 'one',
    mailbox: 'alice@example.com',
    direction: 'sent',
    state: 'FAILED\u202e',
    sequence: 1,
  };
  const event = { id: 'evt_1', type: 'transfer.failed', timestamp: '2026-11-24T10:00:00.000Z', data };
  const masked = { template: { key: '{{ROUTING_KEY}}', state: '{{data.state}}' }, variables: ['ROUTING_KEY'] };
  const endpointOf = (format: string, types = ['watch.*', 'transfer.overdue']) => ({ name: 'crm', format, types });

  beforeEach(() => {
    api.on('GET /endpoints/crm', { body: endpointOf('template') });
    api.on('GET /endpoints/crm/template', { body: masked });
    api.on('GET /events/evt_1', { body: { ...event, deliveries: [] } });
  });

  it('shows the body for a stored event with its variables masked, and sends nothing', async () => {
    const ran = await endpoint(['preview', 'crm', '--event', 'evt_1']);
    expect(ran).toMatchObject({ code: 0, stderr: 'crm would get application/json for event evt_1, in one line:\n' });
    expect(ran.stdout).toBe('{\n  "key": "***",\n  "state": "FAILED\\u202e"\n}\n');
    expect(api.requests.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('shows the body for an example of a type, by default of the first type that the endpoint gets', async () => {
    api.on('GET /endpoints/crm/template', { body: { template: ['{{type}} {{data.mailbox}}'], variables: [] } });
    const shown = await endpoint(['preview', 'crm', '--type', 'watch.failing']);
    expect(shown.stdout).toContain('watch.failing alice@example.com');
    expect((await endpoint(['preview', 'crm'])).stdout).toContain('transfer.overdue alice@example.com');
  });

  it.each([
    ['event', 'application/json', JSON.stringify(event)],
    ['cloudevents', 'application/cloudevents+json', expect.stringContaining('"specversion":"1.0","id":"evt_1"')],
  ])('prints the body of the format %s as it is sent with --json', async (format, contentType, sent) => {
    api.on('GET /endpoints/crm', { body: endpointOf(format) });
    const ran = await endpoint(['preview', 'crm', '--event', 'evt_1', '--json']);
    expect(JSON.parse(ran.stdout)).toEqual({ contentType, body: sent });
    expect(ran.stderr).toBe('');
  });

  it.each([
    ['slack', 'evt_1', 'crm is for people: notice preview --reader crm shows what they get'],
    ['email', 'evt_1', 'crm is for people: notice preview --reader crm shows what they get'],
    ['event', 'dig_1', 'dig_1 is a digest, which only people get'],
  ])('refuses the format %s with %s', async (format, id, message) => {
    api.on('GET /endpoints/crm', { body: endpointOf(format) });
    api.on('GET /events/dig_1', { body: { ...event, id, type: 'digest', deliveries: [] } });
    const ran = await endpoint(['preview', 'crm', '--event', id]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(message);
  });

  it.each([
    [['--event', 'evt_1', '--type', 'watch.failing'], 'got --event and --type, expected one'],
    [['--type', 'transfer.*'], '--type: expected one of transfer.failed, '],
  ])('refuses %j before any request', async (args, message) => {
    const ran = await endpoint(['preview', 'crm', ...args]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(message);
    expect(api.requests).toEqual([]);
  });
});
