import { describe, expect, it } from 'vitest';
import {
  alice,
  bob,
  call,
  carol,
  dave,
  downloadsOnly,
  itemOn,
  receivedBy,
  recipientsOn,
  type SimulatedServer,
  sentBy,
  startWithTransfer,
  statusOf,
} from './client.ts';

describe('TransferStore.download', () => {
  it('lists each download of each recipient and file, equal ones separately', async () => {
    const { server, trackingId } = await startWithTransfer();
    server.transfers.download(trackingId, bob, { file: 2, times: 2 });
    server.transfers.download(trackingId, bob, { file: 3, method: 'VIEWED', at: new Date('2030-01-01T13:00:00Z') });
    server.transfers.download(trackingId, carol, { at: null });
    const fetched = { downloadDate: '2030-01-01T14:00:00+02:00', retrievalMethod: 'DOWNLOADED' };
    const viewed = { downloadDate: '2030-01-01T15:00:00+02:00', retrievalMethod: 'VIEWED' };
    const undated = { downloadDate: null, retrievalMethod: 'DOWNLOADED' };
    const expected = [
      [[], [fetched, fetched], [viewed]],
      [[undated], [], []],
      [[], [], []],
    ].map((files) => ({ fileDownloads: files.map((downloads) => ({ downloads })) }));
    expect(await recipientsOn(server, sentBy(alice, downloadsOnly))).toEqual(expected);
    const { files, recipients } = (await call(server, statusOf(alice, trackingId))).body.data.status;
    expect(recipients).toMatchObject(expected);
    const ids = files.map(({ id }: { id: string }) => id);
    expect(new Set(ids).size).toBe(3);
    for (const { fileDownloads } of recipients) {
      expect(fileDownloads.map(({ id }: { id: string }) => id)).toEqual(ids);
    }
  });

  it('lists thousands of downloads', async () => {
    const { server, trackingId } = await startWithTransfer();
    server.transfers.download(trackingId, bob, { times: 5000 });
    const [own] = await recipientsOn(server, sentBy(alice, `${downloadsOnly}&active=true`));
    expect(own.fileDownloads[0].downloads).toHaveLength(5000);
  });

  it('refuses an unknown transfer, recipient or file', async () => {
    const { server, trackingId } = await startWithTransfer();
    expect(() => server.transfers.download('none', bob)).toThrow('No such transfer');
    expect(() => server.transfers.download(trackingId, alice)).toThrow('has no such recipient');
    expect(() => server.transfers.download(trackingId, bob, { file: 4 })).toThrow('has no file 4');
  });
});

describe('TransferStore.moveExpiry', () => {
  it('moves the end of a transfer later, earlier and away', async () => {
    const { server, trackingId } = await startWithTransfer();
    const seen = [];
    for (const end of ['2030-03-01T00:00:00Z', '2029-12-01T00:00:00Z', null]) {
      server.transfers.moveExpiry(trackingId, end === null ? null : new Date(end));
      seen.push((await itemOn(server, sentBy(alice, '?fields=transfer(expirationDate)'))).transfer.expirationDate);
    }
    expect(seen).toEqual(['2030-03-01T02:00:00+02:00', '2029-12-01T02:00:00+02:00', null]);
  });

  it('leaves a transfer without an end out of the clean-up', async () => {
    const { server, trackingId } = await startWithTransfer({ purgeAfterDays: 0 });
    server.transfers.moveExpiry(trackingId, null);
    server.advance(365 * 86_400_000);
    expect(server.transfers.find(trackingId)).toBeDefined();
  });
});

describe('TransferStore.setProblems', () => {
  const problemsOf = async (server: SimulatedServer) => {
    const fields = 'warnings,emlCreationFailed,sender,files(removed,removalCause),recipients(notificationFailed)';
    const { status } = await itemOn(server, sentBy(alice, `?fields=status(${fields}),transfer(files(state))`));
    const { warnings, emlCreationFailed, sender, files, recipients } = status;
    return [
      ...[warnings, emlCreationFailed, sender.notificationFailed],
      files.map(({ removed, removalCause }: { removed: boolean; removalCause: unknown }) => removed && removalCause),
      recipients.map(({ notificationFailed }: { notificationFailed: boolean }) => notificationFailed),
    ];
  };
  const none = [false, false, false, [false, false, false], [false, false, false]];

  it('gives a transfer exactly these problems', async () => {
    const { server, trackingId } = await startWithTransfer();
    expect(await problemsOf(server)).toEqual(none);
    server.transfers.setProblems(trackingId, { recipientsNotNotified: [carol], removedFiles: [2] });
    const some = [false, false, false, [false, 'SIMULATED', false], [false, true, false]];
    expect(await problemsOf(server)).toEqual(some);
    server.transfers.setProblems(trackingId, { senderNotNotified: true, messageNotCreated: true, warnings: ['disk'] });
    expect(await problemsOf(server)).toEqual([true, true, true, none[3], none[4]]);
    server.switches.warnings = 'array';
    expect((await problemsOf(server))[0]).toEqual(['disk']);
    server.transfers.setProblems(trackingId, {});
    expect(await problemsOf(server)).toEqual([[], ...none.slice(1)]);
  });

  it('refuses an address that is no recipient', async () => {
    const { server, trackingId } = await startWithTransfer();
    const stranger = () => server.transfers.setProblems(trackingId, { recipientsNotNotified: [alice] });
    expect(stranger).toThrow('has no such recipient');
  });
});

describe('TransferStore.changeRecipients', () => {
  const shown = async (server: SimulatedServer) =>
    (await recipientsOn(server, sentBy(alice, '?fields=status(recipients(id,mail))'))).map(
      ({ id, mail }: { id: string; mail: string }) => `${id} ${mail}`,
    );

  it('lets recipients vanish, and return with their id and downloads', async () => {
    const { server, trackingId } = await startWithTransfer();
    const [first, second, third] = await shown(server);
    server.transfers.download(trackingId, bob);
    server.transfers.changeRecipients(trackingId, { kind: 'vanish', mail: bob });
    expect(await shown(server)).toEqual([second, third]);
    server.transfers.changeRecipients(trackingId, { kind: 'return', mail: bob });
    expect(await shown(server)).toEqual([second, third, first]);
    const [, , back] = await recipientsOn(server, sentBy(alice, downloadsOnly));
    expect(back.fileDownloads[0].downloads).toHaveLength(1);
  });

  it('lets recipients appear, with an id of their own or a reused one, and see the transfer', async () => {
    const { server, trackingId } = await startWithTransfer();
    const [first] = await shown(server);
    const [id] = first.split(' ');
    const erin = 'erin@example.net';
    server.transfers.changeRecipients(
      trackingId,
      { kind: 'vanish', mail: bob },
      { kind: 'appear', mail: erin, as: 'bcc', id },
      { kind: 'appear', mail: 'frank@example.net' },
    );
    const after = await shown(server);
    expect(after.slice(2)).toEqual([`${id} ${erin}`, expect.stringContaining('frank@')]);
    expect(new Set(after.map((recipient: string) => recipient.split(' ')[0])).size).toBe(4);
    const page = { page: 1, pageSize: 10 };
    expect(server.transfers.page({ mailbox: erin, direction: 'received' }, page)).toHaveLength(1);
  });

  it('gives a recipient another address, with the same id or a new one, and its listing stays', async () => {
    const { server, trackingId } = await startWithTransfer();
    const [first, second] = (await shown(server)).map((recipient: string) => recipient.split(' ')[0]);
    server.transfers.download(trackingId, bob);
    server.transfers.changeRecipients(
      trackingId,
      { kind: 'rename', mail: bob, newMail: 'proxy-1@proxy.invalid' },
      { kind: 'rename', mail: carol, newMail: 'proxy-2@proxy.invalid', newId: true },
    );
    const after = await shown(server);
    expect(after.slice(0, 2)).toEqual([`${first} proxy-1@proxy.invalid`, expect.stringContaining('proxy-2@')]);
    expect(after[1]).not.toContain(second);
    server.transfers.setState(trackingId, 'DELETED_BY_EXPIRATION');
    expect(await itemOn(server, receivedBy(bob, '?active=true'))).toBeUndefined();
    const [renamed] = await recipientsOn(server, receivedBy(bob, downloadsOnly));
    expect(renamed.fileDownloads[0].downloads).toHaveLength(1);
  });

  it('refuses an address that has not vanished, or is no recipient', async () => {
    const { server, trackingId } = await startWithTransfer();
    for (const kind of ['return', 'vanish'] as const) {
      const change = () =>
        server.transfers.changeRecipients(trackingId, { kind, mail: kind === 'return' ? bob : alice });
      expect(change).toThrow('has no such recipient');
    }
  });
});

describe('/control/transfers', () => {
  it('changes what following needs', async () => {
    const { server, trackingId } = await startWithTransfer();
    const control = (method: string, rest: string, body: unknown) =>
      call(server, `/control/transfers/${trackingId}/${rest}`, { method, body });
    await control('POST', 'downloads', { mail: bob, file: 3, method: 'VIEWED', at: '2030-01-01T10:00:00Z', times: 2 });
    await control('PUT', 'expiry', { at: '2030-02-01T00:00:00+01:00' });
    await control('PUT', 'problems', { senderNotNotified: true, recipientsNotNotified: [carol] });
    await control('POST', 'recipients', { kind: 'vanish', mail: dave });
    const { status, transfer } = (await call(server, statusOf(alice, trackingId))).body.data;
    expect(transfer.expirationDate).toBe('2030-02-01T01:00:00+02:00');
    expect(status).toMatchObject({
      sender: { notificationFailed: true },
      recipients: [
        { fileDownloads: [{ downloads: [] }, {}, { downloads: [{ retrievalMethod: 'VIEWED' }, {}] }] },
        { notificationFailed: true },
      ],
    });
    await control('PUT', 'expiry', { at: null });
    expect(server.transfers.find(trackingId)?.expiresAt).toBeNull();
    expect((await control('POST', 'downloads', { mail: alice })).status).toBe(404);
  });

  it.each([
    ['POST', 'downloads', { mail: bob, at: 'yesterday' }, 'at'],
    ['PUT', 'expiry', {}, 'at'],
    ['PUT', 'problems', { removedFiles: [0] }, 'removedFiles.0'],
    ['POST', 'recipients', { kind: 'rename', mail: bob }, 'newMail'],
  ])('answers %s %s with 400 for %j', async (method, rest, body, wrong) => {
    const { server, trackingId } = await startWithTransfer();
    expect(await call(server, `/control/transfers/${trackingId}/${rest}`, { method, body })).toMatchObject({
      status: 400,
      body: { problems: [{ path: wrong, message: expect.any(String) }] },
    });
  });
});
