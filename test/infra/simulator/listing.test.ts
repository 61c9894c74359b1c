import { describe, expect, it, test } from 'vitest';
import type { CryptshareServer } from '#infra/simulator/server.ts';
import { alice, bob, call, outcome, receivedBy, sentBy, startServer, statusOf } from './client.ts';

const idsOn = async (server: CryptshareServer, path: string): Promise<string[]> =>
  (await call(server, path)).body.data.map(({ trackingId }: { trackingId: string }) => trackingId);

describe('sent-transfers and received-transfers', () => {
  it('show a transfer to its sender and to each recipient, under the same tracking id', async () => {
    const server = await startServer();
    const { trackingId } = server.transfers.create({ sender: alice, to: ['carol@example.com'], bcc: [bob] });
    expect(trackingId).toMatch(/^\d{8}-\d{6}-[A-Za-z0-9]{8}$/);
    expect(await idsOn(server, sentBy(alice))).toEqual([trackingId]);
    expect(await idsOn(server, receivedBy(bob))).toEqual([trackingId]);
    expect(await idsOn(server, receivedBy(alice))).toEqual([]);
    expect(await idsOn(server, sentBy(bob))).toEqual([]);
  });

  it('list newest first, ten to a page unless asked otherwise, and nothing beyond the last page', async () => {
    const server = await startServer();
    const sent = Array.from({ length: 12 }, () => server.transfers.create({ sender: alice, to: [bob] }).trackingId);
    const newestFirst = sent.toReversed();
    expect(await idsOn(server, sentBy(alice))).toEqual(newestFirst.slice(0, 10));
    expect(await idsOn(server, sentBy(alice, '?page=2'))).toEqual(newestFirst.slice(10));
    expect(await idsOn(server, sentBy(alice, '?page=3'))).toEqual([]);
    expect(await idsOn(server, sentBy(alice, '?page=2&page-size=5'))).toEqual(newestFirst.slice(5, 10));
    expect(await idsOn(server, sentBy(alice, '?page-size=100'))).toEqual(newestFirst);
  });

  it('filter by active', async () => {
    const server = await startServer();
    const [processing, active, expired] = ['PROCESSING', 'ACTIVE', 'DELETED_BY_EXPIRATION'].map((state) => {
      const { trackingId } = server.transfers.create({ sender: alice, to: [bob] });
      server.transfers.setState(trackingId, state);
      return trackingId;
    });
    expect(await idsOn(server, sentBy(alice, '?active=true'))).toEqual([active]);
    expect(await idsOn(server, sentBy(alice, '?active=false'))).toEqual([expired, processing]);
    expect(await idsOn(server, sentBy(alice, '?active='))).toEqual([expired, active, processing]);
  });

  test.each([
    'page=0',
    'page=-1',
    'page=two',
    'page-size=0',
    'page-size=101',
    'active=yes',
    'fields=',
    'fields=status()',
    'fields=status.state',
  ])('refuse %s with 400/1004', async (query) => {
    const server = await startServer();
    expect(await outcome(server, sentBy(alice, `?${query}`))).toBe('400/1004');
    expect(await outcome(server, receivedBy(alice, `?${query}`))).toBe('400/1004');
  });

  it('answer what the documented default selects', async () => {
    const server = await startServer();
    const { trackingId } = server.transfers.create({ sender: alice, to: [bob], cc: ['carol@example.com'] });
    const { body } = await call(server, sentBy(alice));
    expect(body).toEqual({
      data: [
        {
          trackingId,
          status: {
            sender: { email: alice },
            recipients: [
              expect.objectContaining({ mail: bob }),
              expect.objectContaining({ mail: 'carol@example.com' }),
            ],
            state: 'PROCESSING',
          },
          transfer: { recipients: { to: [{ mail: bob }], cc: [{ mail: 'carol@example.com' }], bcc: [] } },
        },
      ],
      meta: {},
    });
    expect(body.data[0].status.recipients[0]).toMatchObject({ downloadUrl: expect.stringContaining('confidential') });
  });

  test.each([
    { fields: 'trackingId', item: { trackingId: expect.any(String) } },
    { fields: 'trackingId,status(state)', item: { trackingId: expect.any(String), status: { state: 'PROCESSING' } } },
    { fields: 'status( recipients( mail ) )', item: { status: { recipients: [{ mail: bob }] } } },
    {
      fields: 'transfer(securityMode(config(passwordMode)))',
      item: { transfer: { securityMode: { config: { passwordMode: 'GENERATED' } } } },
    },
    { fields: 'Status(state),status(constructor)', item: { status: {} } },
    { fields: 'notificationMailLink,status(notificationMailLink)', item: { status: {} } },
  ])('apply fields=$fields', async ({ fields, item }) => {
    const server = await startServer();
    server.transfers.create({ sender: alice, to: [bob] });
    const { body } = await call(server, sentBy(alice, `?fields=${encodeURIComponent(fields)}`));
    expect(body.data).toEqual([item]);
  });

  it('hide from a recipient the download links and file ids of the others', async () => {
    const server = await startServer();
    server.transfers.create({ sender: alice, to: [bob], bcc: ['carol@example.com'] });
    const everything = '?fields=status,transfer(recipients)';
    const [received] = (await call(server, receivedBy(bob, everything))).body.data;
    const [own, other] = received.status.recipients;
    expect(own).toMatchObject({
      mail: bob,
      downloadUrl: expect.any(String),
      fileDownloads: [{ id: expect.any(String) }],
    });
    expect(other).not.toHaveProperty('downloadUrl');
    expect(other.fileDownloads).toEqual([{ downloads: [] }]);
    expect(received.transfer.recipients.bcc).toEqual([{ mail: 'carol@example.com' }]);

    const [sent] = (await call(server, sentBy(alice, everything))).body.data;
    expect(sent.status.recipients[1]).toHaveProperty('downloadUrl');
  });

  it('tell equal downloads apart by nothing', async () => {
    const server = await startServer({ now: () => new Date('2030-01-01T12:00:00Z') });
    const { trackingId } = server.transfers.create({ sender: alice, to: [bob] });
    server.transfers.recordDownload(trackingId, bob, 'DOWNLOADED');
    server.transfers.recordDownload(trackingId, bob, 'DOWNLOADED');
    const { body } = await call(server, sentBy(alice, '?fields=status(recipients(fileDownloads(downloads)))'));
    const download = { downloadDate: '2030-01-01T14:00:00+02:00', retrievalMethod: 'DOWNLOADED' };
    expect(body.data[0].status.recipients[0].fileDownloads).toEqual([{ downloads: [download, download] }]);
  });

  it('let transfers come and go between two pages', async () => {
    const server = await startServer();
    const old = server.transfers.seed({ count: 4, sender: alice, to: [bob], state: 'ACTIVE' });
    const pages: unknown[] = [];
    server.onPage(async (request) => {
      pages.push(request);
      if (request.page !== 2) return;
      server.transfers.create({ sender: alice, to: [bob] });
      server.transfers.purge(old[0]?.trackingId ?? '');
    });
    const first = await idsOn(server, sentBy(alice, '?page-size=2&page=1'));
    const second = await idsOn(server, sentBy(alice, '?page-size=2&page=2'));
    expect(first).toEqual([old[3]?.trackingId, old[2]?.trackingId]);
    expect(second).toEqual([old[2]?.trackingId, old[1]?.trackingId]);
    expect(pages).toEqual([
      { mailbox: alice, direction: 'sent', page: 1 },
      { mailbox: alice, direction: 'sent', page: 2 },
    ]);
  });

  it('list each of 10,000 transfers once', async () => {
    const server = await startServer();
    server.transfers.seed({ count: 10_000, sender: alice, to: [bob], state: 'ACTIVE' });
    const seen = new Set<string>();
    for (let page = 1; page <= 100; page += 1) {
      const ids = await idsOn(server, sentBy(alice, `?fields=trackingId&page-size=100&page=${page}`));
      for (const id of ids) seen.add(id);
    }
    expect(seen.size).toBe(10_000);
  });
});

describe('the deprecated list', () => {
  it('has flat items, and none for a recipient', async () => {
    const server = await startServer();
    const { trackingId } = server.transfers.create({ sender: alice, to: [bob] });
    expect((await call(server, `/api/users/${alice}/transfers?page=1&page-size=100`)).body).toEqual({
      data: [
        {
          trackingId,
          state: 'PROCESSING',
          recipients: [expect.objectContaining({ mail: bob })],
          href: `/api/users/alice%40example.com/transfers/${trackingId}`,
        },
      ],
      meta: {},
    });
    expect(await idsOn(server, `/api/users/${bob}/transfers`)).toEqual([]);
  });
});

describe('the Transfer Status endpoint', () => {
  it('tells the sender everything', async () => {
    const server = await startServer();
    const { trackingId } = server.transfers.create({ sender: alice, to: [bob] });
    server.transfers.setState(trackingId, 'FAILED');
    server.transfers.setExpirationDate(trackingId, new Date('2030-02-01T00:00:00Z'));
    const { status, body } = await call(server, statusOf(alice, trackingId));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      data: {
        status: { state: 'FAILED', files: [{ removed: true }] },
        transfer: { expirationDate: '2030-02-01T02:00:00+02:00', files: [{ state: 'REMOVED' }] },
      },
      meta: {},
    });
    expect(body.data).not.toHaveProperty('trackingId');
  });

  it('knows no transfer that somebody else sent, that never existed or that was purged', async () => {
    const server = await startServer();
    const { trackingId } = server.transfers.create({ sender: alice, to: [bob] });
    expect(await outcome(server, statusOf(bob, trackingId))).toBe('404/2003');
    expect(await outcome(server, statusOf(alice, '20300101-000000-00000000'))).toBe('404/2003');
    server.transfers.purge(trackingId);
    expect(await outcome(server, statusOf(alice, trackingId))).toBe('404/2003');
    server.transfers.restore(trackingId);
    expect((await call(server, statusOf(alice, trackingId))).status).toBe(200);
  });
});
