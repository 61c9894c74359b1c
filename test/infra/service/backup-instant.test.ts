import { mkdirSync } from 'node:fs';
import http from 'node:http';
import { ClassicLevel } from 'classic-level';
import { afterAll, describe, expect, it } from 'vitest';
import { inQueues } from '#infra/local/data/queued-messages.ts';
import { listenOnLoopback } from '#infra/loopback/loopback-guard.ts';
import { restoreBackup } from '#infra/service/restore-backup.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { LocalWorld, people } from '#test/infra/local/local-world.ts';

const world = await LocalWorld.start();
const { server } = world;
let answered = 0;
const receiver = http.createServer((request, response) => {
  request.resume();
  response.writeHead(204).end(() => {
    answered += 1;
  });
});
const url = await listenOnLoopback(receiver);
afterAll(() => {
  receiver.closeAllConnections();
  receiver.close();
});

/** Transfers that become events. */
const all = 120;

type Attribute = { readonly S?: string; readonly N?: string };
type Row = Readonly<Record<string, Attribute | undefined>>;

/** Reads what a restored folder holds of transfers, deliveries and messages. */
async function contentsOf(folder: string) {
  const database = new ClassicLevel<string, Row>(`${folder}/dynamodb`, { valueEncoding: 'json' });
  const rows: Row[] = [];
  for await (const [key, row] of database.iterator()) if (key.startsWith('item-')) rows.push(row);
  await database.close();
  const messages = inQueues(folder, (queues) => queues.prepare('SELECT queue_name, body FROM sqs_messages').all())!;
  const bodiesIn = (queue: string) =>
    messages.flatMap(({ queue_name: name, body }) => (name === queue ? String(body) : [])).join('\n');
  const transfers = rows.filter(({ sk }) => sk?.S?.startsWith('T#'));
  const deliveries = rows.filter(({ sk }) => sk?.S?.startsWith('DELIVERY#'));
  return {
    /** Tracking ids whose events are published, as their rows say. */
    settled: transfers.filter(({ pending }) => !pending).map(({ sk }) => sk!.S!.slice('T#0000#'.length)),
    delivered: new Set(deliveries.map(({ body }) => JSON.parse(body!.S!).data.trackingId as string)),
    /** Events that wait for their first attempt. */
    untried: deliveries
      .filter(({ status, attempt }) => status?.S === 'PENDING' && attempt?.N === '0')
      .map(({ sk }) => sk!.S!.split('#')[1]!),
    announced: bodiesIn('fan-out'),
    wakeUps: bodiesIn('wake-ups'),
    leases: JSON.stringify(rows.filter(({ sk }) => /^(?:TASK#|LEASE$)/.test(sk?.S ?? ''))),
  };
}

describe('backup', () => {
  it('has each event in a row, a queue or a delivery, and each delivery in a queue, a lease or a task', async () => {
    const notifier = world.startReal({
      config: { webhooks: [{ name: 'crm', url }] },
      args: ['--allow-private-webhooks'],
    });
    await notifier.line(({ outcome }) => outcome === 'baseline');
    // Polls find events again and again, so that they flow while backups are taken.
    const created: string[] = [];
    const create = () => {
      for (let count = 0; count < 30 && created.length < all; count += 1)
        created.push(server.transfers.create(people).trackingId);
    };
    server.pageListeners.add(create);
    const files: string[] = [];
    while (answered < all) {
      files.push(world.path(`${files.length}.backup`));
      expect((await run(['backup', files.at(-1)!, '--data', world.path('data')])).code).toBe(0);
    }
    notifier.kill('SIGKILL');
    await notifier.exit();

    let [onTheirWay, unattempted] = [0, 0];
    for (const file of files) {
      const folder = file.replace('.backup', '');
      mkdirSync(folder);
      await restoreBackup(file, folder);
      const { settled, delivered, untried, announced, wakeUps, leases } = await contentsOf(folder);
      const lost = settled.filter((id) => created.includes(id) && !delivered.has(id) && !announced.includes(id));
      expect(lost, file).toEqual([]);
      // A repeated announcement sends the wake-ups again.
      const asleep = untried.filter((id) => ![announced, wakeUps, leases].some((names) => names.includes(id)));
      expect(asleep, file).toEqual([]);
      onTheirWay += settled.filter((id) => announced.includes(id)).length;
      unattempted += untried.length;
    }
    // Otherwise, no backup would have met events between two places.
    expect(Math.min(onTheirWay, unattempted)).toBeGreaterThan(0);
  });
});
