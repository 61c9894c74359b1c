import { describe, expect, it, test } from 'vitest';
import { defaultSwitches } from '#infra/simulator/switches.ts';
import { alice, bob, call, clientId, headers, sentBy, startServer, statusOf } from './client.ts';

const carol = 'carol@example.com';

describe('the control interface', () => {
  it('sends a transfer, changes its state, purges and restores it', async () => {
    const server = await startServer();
    const created = await call(server, '/control/transfers', { method: 'POST', body: { sender: alice, to: [bob] } });
    expect(created).toMatchObject({ status: 201, body: { trackingId: expect.any(String), state: 'PROCESSING' } });

    const { trackingId } = created.body;
    const transfer = `/control/transfers/${trackingId}`;
    const state = async () => (await call(server, statusOf(alice, trackingId))).body.data?.status.state;
    expect((await call(server, `${transfer}/state`, { method: 'PUT', body: { state: 'ACTIVE' } })).status).toBe(204);
    expect(await state()).toBe('ACTIVE');
    expect((await call(server, `${transfer}/purge`, { method: 'POST' })).status).toBe(204);
    expect(await state()).toBeUndefined();
    expect((await call(server, `${transfer}/restore`, { method: 'POST' })).status).toBe(204);
    expect(await state()).toBe('ACTIVE');
  });

  it('fills the log and deletes user data', async () => {
    const server = await startServer();
    const body = { sender: alice, to: [bob], count: 3, state: 'ACTIVE' };
    expect(await call(server, '/control/seed', { method: 'POST', body })).toMatchObject({
      status: 201,
      body: { count: 3 },
    });
    const { proxyAddress } = (await call(server, `/control/users/${bob}`, { method: 'DELETE' })).body;
    const { data } = (await call(server, sentBy(alice, '?fields=status(recipients(mail))'))).body;
    expect(data).toEqual(Array(3).fill({ status: { recipients: [{ mail: proxyAddress }] } }));
  });

  it('turns some switches and leaves the others alone', async () => {
    const server = await startServer({ switches: { licensed: false } });
    const body = { stateSpelling: 'prose' };
    expect((await call(server, '/control/switches', { method: 'PATCH', body })).body).toEqual({
      ...defaultSwitches,
      licensed: false,
      stateSpelling: 'prose',
    });
    expect((await call(server, '/control/switches')).body).toEqual(server.switches);
  });

  it('injects faults and takes them back', async () => {
    const server = await startServer();
    const body = { times: 2, answer: { kind: 'response', status: 503 } };
    expect((await call(server, '/control/faults', { method: 'POST', body })).status).toBe(204);
    expect((await call(server, sentBy(alice))).status).toBe(503);
    expect((await call(server, '/control/faults', { method: 'DELETE' })).status).toBe(204);
    expect((await call(server, sentBy(alice))).status).toBe(200);
  });

  it('reads the counters and resets them', async () => {
    const server = await startServer();
    await call(server, sentBy(alice));
    expect((await call(server, '/control/requests')).body).toMatchObject({ total: 1 });
    expect((await call(server, '/control/requests', { method: 'DELETE' })).status).toBe(204);
    expect((await call(server, '/control/requests')).body).toMatchObject({ total: 0 });
  });

  it('registers a client id, grants a token and voids every token', async () => {
    const server = await startServer();
    await call(server, '/control/clients', { method: 'POST', body: { clientId } });
    expect(server.verifications.isRegistered(clientId)).toBe(true);

    const body = { mailbox: carol, clientId, token: 'example-token-2' };
    const asCarol = { headers: { ...headers, 'X-CS-VerificationToken': 'example-token-2' } };
    expect((await call(server, '/control/tokens', { method: 'POST', body })).status).toBe(204);
    expect((await call(server, sentBy(carol), asCarol)).status).toBe(200);
    expect((await call(server, '/control/tokens', { method: 'DELETE' })).status).toBe(204);
    expect((await call(server, sentBy(carol), asCarol)).status).toBe(401);
  });

  test.each([
    { method: 'POST', path: '/control/transfers', body: { sender: 'alice', to: [bob] }, wrong: 'sender' },
    { method: 'POST', path: '/control/transfers', body: { sender: alice, to: [] }, wrong: 'to' },
    {
      method: 'POST',
      path: '/control/seed',
      body: { sender: alice, to: [bob], count: 0, state: 'ACTIVE' },
      wrong: 'count',
    },
    { method: 'PUT', path: '/control/transfers/any/state', body: {}, wrong: 'state' },
    { method: 'PATCH', path: '/control/switches', body: { order: 'oldest-first' }, wrong: 'order' },
    { method: 'PATCH', path: '/control/switches', body: { noSuchSwitch: true }, wrong: '' },
    {
      method: 'POST',
      path: '/control/faults',
      body: { answer: { kind: 'response', status: 99 } },
      wrong: 'answer.status',
    },
    { method: 'POST', path: '/control/clients', body: { clientId: 'short' }, wrong: 'clientId' },
    { method: 'POST', path: '/control/tokens', body: { mailbox: carol, clientId, token: '' }, wrong: 'token' },
  ])('refuses $method $path with $body and names what is wrong', async ({ method, path, body, wrong }) => {
    const answer = await call(await startServer(), path, { method, body });
    expect(answer).toMatchObject({ status: 400, body: { problems: [{ path: wrong, message: expect.any(String) }] } });
  });

  it('refuses a body that is no object', async () => {
    expect((await call(await startServer(), '/control/transfers', { method: 'POST' })).status).toBe(400);
  });

  it('answers 404 for an unknown transfer and 409 for a state that is final', async () => {
    const server = await startServer();
    expect((await call(server, '/control/transfers/any/purge', { method: 'POST' })).status).toBe(404);
    const { trackingId } = server.transfers.create({ sender: alice, to: [bob] });
    server.transfers.setState(trackingId, 'FAILED');
    const init = { method: 'PUT', body: { state: 'ACTIVE' } };
    expect((await call(server, `/control/transfers/${trackingId}/state`, init)).status).toBe(409);
  });
});

it('reads a body as JSON even under the content type that curl gives it', async () => {
  const server = await startServer();
  const answer = await fetch(`${server.url}/control/switches`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: '{"minor":11}',
  });
  expect(answer.ok).toBe(true);
  expect(server.switches.minor).toBe(11);
});
