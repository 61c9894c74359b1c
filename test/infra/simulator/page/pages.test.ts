import { afterAll, describe, expect, it, vi } from 'vitest';
import { simulatorPages } from '#infra/simulator/page/pages.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';

const server = await startCryptshareServer({ pages: simulatorPages });
afterAll(() => server.close());

const get = async (path: string) => (await fetch(server.url + path)).text();

const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(server.url + path, { method: 'POST', body: new URLSearchParams(form), headers, redirect: 'manual' });

/** Sends a transfer by the form, and returns its tracking id. */
async function sent(form: Record<string, string> = {}): Promise<string> {
  const answer = await post('/transfers', { sender: 'alice@example.com', to: 'bob@example.org', files: '2', ...form });
  expect(answer.status).toBe(303);
  return answer.headers.get('location')!.split('/').at(-1)!;
}

describe('the pages of the simulated server', () => {
  it('show each transfer with its state, and who has fetched it', async () => {
    const id = await sent({ to: 'bob@example.org, carol@example.net' });
    server.transfers.download(id, 'bob@example.org');
    const page = await get('/');
    expect(page).toMatch(new RegExp(`${id}.*PROCESSING.*1 of 2`));
    expect(await get(`/transfers/${id}`)).toContain('once, last downloaded');
  });

  it.each([
    ['state', { state: 'ACTIVE', other: '' }, { state: 'ACTIVE' }],
    ['state', { state: 'ACTIVE', other: 'Quarantined' }, { state: 'Quarantined' }],
    [
      'downloads',
      { mail: 'bob@example.org', file: '2', method: 'VIEWED' },
      { recipients: [{ downloads: [{ file: 2 }] }] },
    ],
    ['problems', { files_removed: 'on' }, { problems: { removedFiles: [1] } }],
    ['problems', { recipient_not_notified: 'on' }, { recipients: [{ notificationFailed: true }] }],
    ['purge', {}, { purged: true }],
  ] as const)('move a transfer by the form %s with %j', async (move, form, moved) => {
    const id = await sent();
    expect((await post(`/transfers/${id}/${move}`, { ...form })).status).toBe(303);
    expect(server.transfers.any(id)).toMatchObject(moved);
  });

  it('move the end of a transfer, and put it back into the log', async () => {
    const id = await sent();
    await post(`/transfers/${id}/expiry`, { days: '2' });
    expect(Math.abs(server.transfers.any(id)!.expiresAt! - Date.now() - 2 * 86_400_000)).toBeLessThan(60_000);
    const offered = async () => (await get(`/transfers/${id}`)).match(/(?:Put it back into|Take it out of) the log/g);
    expect(await offered()).toEqual(['Take it out of the log']);
    await post(`/transfers/${id}/purge`, {});
    expect(await get(`/transfers/${id}`)).toContain('not in the log');
    expect(await offered()).toEqual(['Put it back into the log']);
    await post(`/transfers/${id}/restore`, {});
    expect(server.transfers.find(id)).toBeDefined();
  });

  it.each([
    ['/transfers', { sender: 'alice', to: 'bob@example.org', files: '1' }, 400, 'got alice, expected addresses'],
    ['/transfers', { sender: 'a@example.com', to: '', files: '1' }, 400, 'got no recipient'],
    [
      '/transfers',
      { sender: 'a@example.com', to: 'b@example.com', files: 'x' },
      400,
      'expected a whole number from 1 to 999',
    ],
    [
      '/transfers',
      { sender: 'a@example.com', to: 'b@example.com', files: '1000' },
      400,
      'expected a whole number from 1 to 999',
    ],
    ['/transfers', { sender: 'a@example.com', to: 'x'.repeat(10_000), files: '1' }, 413, 'too large'],
    ['/transfers/none/state', { state: 'ACTIVE' }, 404, 'No such transfer: none'],
    ['/switches', { order: 'random' }, 400, 'the switch order: '],
    ['/switches', { colour: 'red' }, 400, 'there is no switch colour'],
  ])('say what is wrong with a form for %s with %j', async (path, form, status, reason) => {
    const answer = await post(path, form);
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(reason);
  });

  it.each([
    ['downloads', { mail: 'bob@example.org', file: 'x' }, 400],
    ['downloads', { mail: 'bob@example.org', file: '1.25' }, 400],
    ['downloads', { mail: 'bob@example.org', file: '0x1' }, 400],
    ['downloads', { mail: 'bob@example.org', file: '1', method: '<b>odd' }, 400],
    ['downloads', { mail: 'eve@example.org', file: '1' }, 404],
    ['expiry', { days: '' }, 400],
    ['expiry', { days: '4000' }, 400],
  ])('leave a transfer as it is if the form %s has %j', async (move, form, status) => {
    const id = await sent();
    const before = structuredClone(server.transfers.any(id));
    expect((await post(`/transfers/${id}/${move}`, form)).status).toBe(status);
    expect(server.transfers.any(id)).toEqual(before);
  });

  it.each(['0', '-1', 'x', ''])('refuse the page "%s" of the list', async (page) => {
    expect((await fetch(`${server.url}/?page=${page}`)).status).toBe(400);
  });

  it('keep to themselves why the server itself has failed', async () => {
    vi.spyOn(server.verifications, 'mailedCodes').mockImplementationOnce(() => {
      throw new Error('inside');
    });
    const answer = await fetch(`${server.url}/verifications`);
    const text = await answer.text();
    expect({ status: answer.status, isTold: text.includes('inside') }).toEqual({ status: 500, isTold: false });
    expect(text).toContain('The simulated server failed: see its output.');
  });

  it('change the switches that a form has changed, and no others', async () => {
    const before = { ...server.switches };
    const page = await get('/switches');
    const texts = Object.entries(before).flatMap(([name, value]) => [
      [name, String(value)],
      [`was ${name}`, /value="(.*?)"/.exec(page.split(`name="was ${name}" `)[1]!)![1]!],
    ]);
    // Another page has changed one since this one was shown.
    server.switches.latencyMs = 7;
    await post('/switches', {
      ...Object.fromEntries(texts),
      validUntil: 'null',
      maximumTermMs: '5',
      order: 'shuffled',
    });
    expect(server.switches).toEqual({
      ...{ ...before, latencyMs: 7 },
      ...{ validUntil: 'null', maximumTermMs: 5, order: 'shuffled' },
    });
    expect(await get('/switches')).toContain('<option value="shuffled" selected>');
    Object.assign(server.switches, before);
  });

  it('show mailed codes until they are used', async () => {
    const claimant = { mailbox: 'erin@example.com', clientId: 'c'.repeat(50) };
    server.verifications.sendCode(claimant);
    const code = server.verifications.codeFor(claimant)!;
    expect(await get('/verifications')).toMatch(new RegExp(`erin@example\\.com.*${code}`, 's'));
    server.verifications.redeemCode(claimant, code);
    expect(await get('/verifications')).not.toContain(code);
  });

  it('show what others have written as text, and run nothing', async () => {
    const id = await sent();
    const state = '<script>alert(1)</script>';
    server.transfers.setState(id, state);
    const answer = await fetch(`${server.url}/transfers/${id}`);
    expect(await answer.text()).not.toContain(state);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it.each([
    ['/transfers', undefined, ''],
    ['/transfers', 'application/json', 'null'],
    ['/transfers', 'application/json', '{"to":5}'],
    ['/transfers', 'application/json', '{"sender":"alice@example.com","to":["bob@example.org"]}'],
    ['/switches', undefined, ''],
  ])('do not fail by what is posted to %s as %s and is no form: %s', async (path, type, body) => {
    const answer = await fetch(server.url + path, {
      ...{ method: 'POST', redirect: 'manual', headers: type === undefined ? {} : { 'content-type': type } },
      ...(body !== '' && { body }),
    });
    expect([303, 400, 415]).toContain(answer.status);
  });

  it('take forms from no other page, and answer only under a name of this machine', async () => {
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    const count = server.transfers.newest(0, 1000).length;
    const form = { sender: 'alice@example.com', to: 'bob@example.org', files: '1' };
    expect((await post('/transfers', form, foreign)).status).toBe(403);
    expect(server.transfers.newest(0, 1000)).toHaveLength(count);
    expect((await post('/transfers', form, { origin: server.url, 'sec-fetch-site': 'same-origin' })).status).toBe(303);
  });

  it('list 25 transfers a page, the newest first, and say so where one is unknown', async () => {
    server.transfers.seed({ sender: 'alice@example.com', to: ['bob@example.org'], count: 60, state: 'ACTIVE' });
    const idsOf = (page: string) => page.match(/href="\/transfers\/[^"]+/g)!;
    const [first, second] = [idsOf(await get('/')), idsOf(await get('/?page=2'))];
    expect([first.length, second.length]).toEqual([25, 25]);
    expect(new Set([...first, ...second]).size).toBe(50);
    const unknown = await fetch(`${server.url}/transfers/unknown`);
    expect([unknown.status, await unknown.text()]).toEqual([
      404,
      expect.stringContaining('There is no transfer unknown'),
    ]);
  });

  it('link to newer and older transfers where there are any', async () => {
    const count = server.transfers.newest(0, 1000).length;
    // The last page is full.
    const full = { sender: 'alice@example.com', to: ['bob@example.org'], count: 75 - (count % 25), state: 'ACTIVE' };
    server.transfers.seed(full);
    const pages = (count + full.count) / 25;
    const links = async (page: number) => (await get(`/?page=${page}`)).match(/>(?:Newer|Older)</g);
    expect(await links(1)).toEqual(['>Older<']);
    expect(await links(2)).toEqual(['>Newer<', '>Older<']);
    expect(await links(pages)).toEqual(['>Newer<']);
  });
});

it('a simulated server without pages takes no request of a page, even one of its own address', async () => {
  const plain = await startCryptshareServer();
  const headers = { origin: plain.url, 'sec-fetch-site': 'same-origin' };
  const [own, none] = [await fetch(`${plain.url}/control/switches`, { headers }), await fetch(`${plain.url}/`)];
  await plain.close();
  expect([own.status, none.status]).toEqual([403, 404]);
});
