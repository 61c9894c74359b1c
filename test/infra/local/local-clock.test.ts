import http from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { listenOnLoopback } from '#infra/loopback/loopback-guard.ts';
import { LocalWorld, people } from './local-world.ts';
import { settableClock } from './settable-clock.ts';

const world = await LocalWorld.start();
const hour = 3_600_000;
const year = 365 * 24 * hour;

describe('npm start --config', () => {
  it('polls and delivers on after its clock was set a year ahead, back again and further, and by a restart', async () => {
    const received: unknown[] = [];
    const receiver = http.createServer(async (request, response) => {
      received.push(((await json(request)) as TransferEvent).data.trackingId);
      response.writeHead(204).end();
    });
    const url = await listenOnLoopback(receiver);
    onTestFinished(() => {
      receiver.closeAllConnections();
      receiver.close();
    });
    const start = (...steps: number[]) =>
      world.startReal({
        config: { webhooks: [{ name: 'crm', url }] },
        args: ['--allow-private-webhooks'],
        environment: settableClock(world.folder, ...steps),
      });
    let run = start(0, year, -year - hour);
    /** Creates a transfer, and resolves once it is announced and delivered. */
    const announced = async () => {
      const { trackingId } = world.server.transfers.create(people);
      await run.line(({ kind, event }) => kind === 'event' && event!.data.trackingId === trackingId);
      await expect.poll(() => received).toContain(trackingId);
    };

    await run.line(({ kind }) => kind === 'poll');
    await announced();
    run.kill('SIGUSR2');
    await announced();
    run.kill('SIGUSR2');
    await announced();
    await run.line(({ kind, text }) => kind === 'warning' && text!.includes('has been set back'));
    run.kill('SIGTERM');
    expect(await run.exit()).toBe(0);
    run = start(-3 * hour);
    await announced();
    expect(run.stderr).toBe('');
  });
});
