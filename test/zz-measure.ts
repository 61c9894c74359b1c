import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync, readdirSync, statSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
const { startCryptshareServer } = await import('#infra/simulator/server.ts');
const id = 'exampleclientid'.repeat(4);
const sizeOf = (f: string): number => readdirSync(f, { recursive: true, withFileTypes: true } as never).reduce((s: number, e: any) => e.isFile() ? s + statSync(join(e.parentPath, e.name)).size : s, 0);
for (const count of process.argv.slice(2).map(Number)) {
  const server = await startCryptshareServer();
  server.verifications.registerClientId(id);
  const folder = mkdtempSync('/tmp/service-measure-');
  const watches = Array.from({ length: count }, (_, i) => ({ mailbox: `user${i}@example.com` }));
  for (const { mailbox } of watches) {
    server.transfers.seed({ sender: mailbox, to: ['bob@example.com'], count: 95, state: 'DELETED_BY_EXPIRATION' });
    server.transfers.seed({ sender: mailbox, to: ['bob@example.com'], count: 5, state: 'ACTIVE' });
  }
  writeFileSync(join(folder, 'c.json'), JSON.stringify({ server: { url: server.url }, watches, metrics: { listen: 39465 } }));
  const start = async (wait: number) => {
    const t = performance.now();
    const child = spawn(process.execPath, ['infra/local/main.ts', '--json', '--config', join(folder, 'c.json'), '--data', join(folder, 'data')], { env: { ...process.env, CRYPTSHARE_CLIENT_ID: id }, stdio: ['ignore', 'pipe', 'inherit'] });
    let ready = 0; let baselines = 0; let baselinedAt = 0;
    createInterface({ input: child.stdout }).on('line', (l) => { const j = JSON.parse(l); if (j.kind === 'ready') ready = performance.now() - t; if (j.outcome === 'baseline') { baselines++; if (baselines === wait) baselinedAt = performance.now() - t; } });
    while (!ready || (wait && !baselinedAt)) await sleep(50);
    return { child, ready, baselinedAt };
  };
  const metrics = async () => { const text = await (await fetch('http://127.0.0.1:39465/metrics')).text(); const v = (n: string) => Number(new RegExp(`^${n} (.*)$`, 'm').exec(text)![1]); return { cpu: v('process_cpu_seconds_total'), rss: v('process_resident_memory_bytes') }; };
  const end = async (child: any) => { child.kill('SIGTERM'); await new Promise((r) => child.on('exit', r)); };
  const first = await start(count);
  console.log(count, 'first ready', first.ready | 0, 'baselines after', first.baselinedAt | 0, await metrics());
  await end(first.child);
  const again = await start(0);
  await sleep(70_000);
  const a = await metrics(); await sleep(120_000); const b = await metrics();
  let peak = Math.max(a.rss, b.rss);
  for (const { mailbox } of watches) server.transfers.create({ sender: mailbox, to: ['bob@example.com'] });
  for (let i = 0; i < 70; i++) { await sleep(1000); if (i % 10 === 0) peak = Math.max(peak, (await metrics()).rss); }
  const c = await metrics();
  const t = performance.now();
  const backup = spawn(process.execPath, ['infra/cli/main.ts', 'backup', join(folder, 'b'), '--data', join(folder, 'data'), '--json'], { stdio: ['ignore', 'inherit', 'inherit'] });
  await new Promise((r) => backup.on('exit', r));
  console.log(count, { restartReady: again.ready | 0, cpuPerMin: ((b.cpu - a.cpu) / 2).toFixed(2), rssIdle: (b.rss / 1e6) | 0, peak: (peak / 1e6) | 0, cpuBusyMinute: (c.cpu - b.cpu).toFixed(2), data: sizeOf(join(folder, 'data')) / 1e6, backupMs: (performance.now() - t) | 0 });
  await end(again.child);
  await server.close();
  rmSync(folder, { recursive: true });
}
