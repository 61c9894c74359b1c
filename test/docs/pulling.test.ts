import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { childEnvironment } from '#test/support/child-process.ts';
import { startOperatorWorld } from '#test/support/operator-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';
import { block } from './document-blocks.ts';

/** The operator API over HTTP, whose waiting ends when something happens. */
async function servedWorld() {
  const world = await startOperatorWorld();
  const asked: Promise<unknown>[] = [];
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost');
    const isKnown = request.headers.authorization === 'Bearer sesame';
    const asking = world.ask('GET', pathname, { query: Object.fromEntries(searchParams) });
    asked.push(asking);
    const { status, body } = await asking;
    response.writeHead(isKnown ? status : 401).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    // A request whose caller was killed still reads.
    await Promise.all(asked);
    await world.close();
  });
  return { ...world, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

it('shows a loop that pulls each event over HTTP, however often it is killed', async () => {
  const world = await servedWorld();
  const folder = mkdtempSync(join(tmpdir(), 'pull-'));
  writeFileSync(join(folder, 'headers'), 'Authorization: Bearer sesame\n');
  // The clock of the test stands long before that of the machine, on which the loop begins.
  writeFileSync(join(folder, 'place'), 'after=2026-11-23T00:00:00Z\n');
  const inbox = (): string[] => {
    const text = readFileSync(join(folder, 'inbox'), { encoding: 'utf8', flag: 'a+' });
    // What stands behind the last line break is still being written.
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).id);
  };
  const run = (): ChildProcess =>
    spawn('sh', ['-c', block('sh pull')], {
      cwd: folder,
      env: { ...childEnvironment, OPERATOR_URL: world.url },
      detached: true,
      stdio: 'ignore',
    });
  const end = async (child: ChildProcess) => {
    process.kill(-child.pid!, 'SIGKILL');
    await once(child, 'exit');
  };
  const ids: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    const child = run();
    const events = Array.from({ length: 30 }, (_, index) => exampleEvent(`T${round}-${index}`));
    ids.push(...events.map(({ id }) => id));
    await world.fanOut(...events);
    // Each answer lets the next request come, so that this ends when the loop has all.
    while (new Set(inbox()).size < ids.length) await new Promise((resolve) => setImmediate(resolve));
    await end(child);
  }
  expect(new Set(inbox())).toEqual(new Set(ids));
  rmSync(folder, { recursive: true });
});
