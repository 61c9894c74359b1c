import { describe, expect, it } from 'vitest';
import { maxAnswerBytes } from '#functions/cryptshare/answer-room.ts';
import type { Switches } from '#infra/simulator/switches.ts';
import {
  alice,
  bob,
  call,
  carol,
  clientId,
  createTransfer,
  dave,
  downloadsOnly,
  itemOn,
  outcome,
  receivedBy,
  recipientsOn,
  type SimulatedServer,
  sentBy,
  startServer,
  startWithTransfer,
  statusOf,
} from './client.ts';

describe('received-transfers', () => {
  const received = async (switches: Partial<Switches>, mailbox = bob) => {
    const { server, trackingId } = await startWithTransfer(switches);
    server.verifications.grantToken({ mailbox: dave, clientId: clientId }, 'example-token-1');
    for (const mail of [bob, carol]) server.transfers.download(trackingId, mail);
    const { status, transfer } = await itemOn(server, receivedBy(mailbox, '?fields=status,transfer(recipients)'));
    const { to, cc, bcc } = transfer.recipients;
    interface Shown {
      readonly mail: string;
      readonly downloadUrl?: string;
      readonly fileDownloads?: readonly { readonly id?: string; readonly downloads: readonly object[] }[];
    }
    return {
      recipients: status.recipients.map(({ mail, downloadUrl, fileDownloads }: Shown) => {
        const count = fileDownloads?.flatMap(({ downloads }) => downloads).length ?? 'no';
        return `${mail}: ${count} downloads${downloadUrl ? ', link' : ''}${fileDownloads?.[0]?.id ? ', ids' : ''}`;
      }),
      addresses: [to, cc, bcc].map((list) => list.map(({ mail }: { mail: string }) => mail)),
    };
  };
  const all = [[bob], [carol], [dave]];

  it.each<[Partial<Switches>, string[], string[][]]>([
    [{}, [`${bob}: 1 downloads, link, ids`, `${carol}: 1 downloads`, `${dave}: 0 downloads`], all],
    [{ receivedRecipients: 'own' }, [`${bob}: 1 downloads, link, ids`], [[bob], [], []]],
    [
      { receivedDownloads: 'own' },
      [`${bob}: 1 downloads, link, ids`, `${carol}: no downloads`, `${dave}: no downloads`],
      all,
    ],
    [
      { receivedDownloads: 'none' },
      [`${bob}: no downloads, link`, `${carol}: no downloads`, `${dave}: no downloads`],
      all,
    ],
    [{ receivedBcc: false }, [`${bob}: 1 downloads, link, ids`, `${carol}: 1 downloads`], [[bob], [carol], []]],
  ])('show a recipient by %j what it may see', async (switches, recipients, addresses) => {
    expect(await received(switches)).toEqual({ recipients, addresses });
  });

  it('show a recipient of a blind copy itself', async () => {
    const seen = await received({ receivedBcc: false }, dave);
    expect(seen.recipients[2]).toBe(`${dave}: 0 downloads, link, ids`);
  });

  it('know a recipient by any spelling of its address', async () => {
    const { server, trackingId } = await startWithTransfer();
    server.transfers.changeRecipients(trackingId, { kind: 'rename', mail: bob, newMail: 'Bob@EXAMPLE.org' });
    const [own, other] = await recipientsOn(server, receivedBy(bob, '?fields=status'));
    expect(own).toHaveProperty('downloadUrl');
    expect(other).not.toHaveProperty('downloadUrl');
  });
});

describe('listings of details', () => {
  const details = '?fields=status(warnings,files(id),recipients(mail,notificationFailed,fileDownloads(id)))';
  const namesOn = async (server: SimulatedServer, query: string) => {
    const { status } = await itemOn(server, sentBy(alice, details + query));
    return [...Object.keys(status), ...Object.keys(status.recipients[0])].sort().join();
  };
  const everything = 'fileDownloads,files,mail,notificationFailed,recipients,warnings';

  it.each<[Switches['detailsInLists'], [string, string]]>([
    ['all', [everything, everything]],
    ['no-downloads', ['files,mail,notificationFailed,recipients,warnings', expect.not.stringContaining('fileDown')]],
    ['none', ['mail,recipients', 'mail,recipients']],
    ['odd-pages', [everything, 'mail,recipients']],
  ])('have %s, page by page', async (detailsInLists, names) => {
    const { server, trackingId } = await startWithTransfer({ detailsInLists });
    createTransfer(server);
    expect([await namesOn(server, '&page-size=1&page=1'), await namesOn(server, '&page-size=1&page=2')]).toEqual(names);
    const { status } = (await call(server, statusOf(alice, trackingId))).body.data;
    expect(status.recipients[0]).toHaveProperty('fileDownloads');
    server.switches.detailsInStatus = false;
    expect((await call(server, statusOf(alice, trackingId))).body.data.status).toEqual({
      state: 'ACTIVE',
      sender: { email: alice },
      recipients: Array(3).fill({ id: expect.any(String), mail: expect.any(String), downloadUrl: expect.any(String) }),
    });
  });

  it.each([
    'status(warnings)',
    'status(emlCreationFailed)',
    'status(files(removed))',
    'status(sender(notificationFailed))',
    'status(recipients(notificationFailed))',
    'status(recipients(fileDownloads(downloads(downloadDate))))',
  ])('refuse fields=%s with 400/1004 when they have none and reject unknown names', async (fields) => {
    const server = await startServer({ detailsInLists: 'none', unknownFields: 'reject' });
    expect(await outcome(server, sentBy(alice, `?fields=trackingId,${fields}`))).toBe('400/1004');
    const usual = '?fields=trackingId,status(state,sender(email),recipients(id,mail)),transfer(expirationDate)';
    expect(await outcome(server, sentBy(alice, usual))).toBe('200');
    server.switches.detailsInLists = 'odd-pages';
    expect(await outcome(server, sentBy(alice, `?fields=trackingId,${fields}&page=2`))).toBe('200');
  });

  it.each([50, 25, 5, 1])('are paged by %d, filtered and ordered, while a page of 100 is huge', async (pageSize) => {
    const server = await startServer({ order: 'shuffled', rowPaddingBytes: 50_000 });
    const people = { sender: alice, to: [bob] };
    const active = server.transfers.seed({ ...people, count: 110, state: 'ACTIVE' });
    server.transfers.seed({ ...people, count: 30, state: 'DELETED_BY_EXPIRATION' });
    const bytesOf = async (query: string) => {
      server.requests.reset();
      const { data } = (await call(server, sentBy(alice, query))).body;
      return { ids: data.map((item: { trackingId: string }) => item.trackingId), bytes: server.requests.bytesSent };
    };
    const detailed = '?fields=trackingId,status(recipients(id))&active=true';
    const whole = await bytesOf(`${detailed}&page-size=100`);
    expect(whole.bytes).toBeGreaterThan(maxAnswerBytes);
    expect((await bytesOf('?fields=trackingId&active=true&page-size=100')).bytes).toBeLessThan(10_000);
    const ids: string[] = [];
    // The last pages suffice where there are many.
    for (let page = pageSize === 1 ? 100 : 1; ids.length < 110; page += 1) {
      const part = await bytesOf(`${detailed}&page-size=${pageSize}&page=${page}`);
      expect(part.bytes).toBeLessThan(maxAnswerBytes);
      if (part.ids.length === 0) break;
      ids.push(...part.ids);
    }
    if (pageSize === 1) return expect(ids).toEqual([whole.ids.at(-1), ...ids.slice(1)]);
    expect(ids.slice(0, 100)).toEqual(whole.ids);
    expect(new Set(ids)).toEqual(new Set(active.map(({ trackingId }) => trackingId)));
  });

  it.each<[Partial<Switches>, unknown[]]>([
    [{}, ['2030-01-01T14:00:00+02:00', '2030-01-01T14:00:00+02:00', '2030-01-01T14:00:00+02:00']],
    [
      { downloadDates: 'other-zones' },
      ['2030-01-01T01:00:00-11:00', '2030-01-01T12:00:00+00:00', '2030-01-01T17:45:00+05:45'],
    ],
    [{ downloadDates: 'future' }, Array(3).fill('2031-01-01T14:00:00+02:00')],
    [{ downloadDates: 'null' }, [null, null, null]],
    [{ downloadDates: 'missing' }, [undefined, undefined, undefined]],
    [{ downloadDates: 'malformed' }, Array(3).fill('yesterday')],
  ])('date downloads by %j', async (switches, dates) => {
    const { server, trackingId } = await startWithTransfer(switches);
    server.transfers.download(trackingId, bob, { times: 3 });
    const [own] = await recipientsOn(server, sentBy(alice, downloadsOnly));
    const { downloads } = own.fileDownloads[0];
    expect(downloads.map(({ downloadDate }: { downloadDate: unknown }) => downloadDate)).toEqual(dates);
  });

  it('leave out the ids of files by a switch', async () => {
    const { server } = await startWithTransfer({ downloadFileIds: false });
    const [own] = await recipientsOn(server, sentBy(alice, '?fields=status(recipients(fileDownloads))'));
    expect(own.fileDownloads).toEqual(Array(3).fill({ downloads: [] }));
  });

  it.each<[Switches['expirationDates'], object]>([
    ['null', { expirationDate: null }],
    ['missing', {}],
    ['malformed', { expirationDate: 'in a month' }],
  ])('have an end of transfers that is %s', async (expirationDates, transfer) => {
    const { server } = await startWithTransfer({ expirationDates });
    expect((await itemOn(server, sentBy(alice, '?fields=transfer(expirationDate)'))).transfer).toEqual(transfer);
  });

  it('reverse the recipients by a switch', async () => {
    const { server } = await startWithTransfer({ recipientOrder: 'reversed' });
    const recipients = await recipientsOn(server, sentBy(alice, '?fields=status(recipients(mail))'));
    expect(recipients).toEqual([{ mail: dave }, { mail: carol }, { mail: bob }]);
  });
});
