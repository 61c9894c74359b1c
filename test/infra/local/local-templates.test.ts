import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudEvent } from 'cloudevents';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll, receiver } from '#test/functions/webhooks/http/client-servers.ts';
import { run as command } from '#test/infra/cli/run-cli.ts';
import type { LocalRun } from './local-run.ts';
import { alice, LocalWorld, people } from './local-world.ts';

const world = await LocalWorld.start({ share: true });
/** Paths of the requests, in the order of their bodies. */
const paths: string[] = [];
const system = await receiver(({ url = '' }, response) => {
  paths.push(url);
  response.end();
});
const urlOf = (path: string) => `http://127.0.0.1:${system.port}${path}`;
afterAll(closeAll);

const template = { routing_key: '{{ROUTING_KEY}}', summary: '{{data.trackingId}} {{words}}', event: '{{id}}' };
const hidden = 'hidden-routing-key';

/** Arguments of a command against this run. */
const notifier = (...args: string[]) => command([...args, '--data', world.path('data'), '--json']);
const bodyAt = (path: string): string => system.bodies[paths.indexOf(path)]!;

describe('webhooks of npm start with a form of their own', () => {
  let run: LocalRun;

  beforeAll(async () => {
    world.server.transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
    run = world.startReal({
      config: {
        watches: [{ mailbox: alice }],
        webhooks: [
          { name: 'pager', url: urlOf('/pager'), format: 'template', template },
          { name: 'bus', url: urlOf('/bus'), format: 'cloudevents' },
        ],
      },
      args: ['--notify-existing', '--allow-private-webhooks'],
      environment: { ROUTING_KEY: hidden },
    });
    const delivered = () => run.lines.filter(({ status }) => status === 'DELIVERED');
    await run.line(() => delivered().length === 2);
  });

  it('fill in the template and its variable, and send the CloudEvent of the same event', () => {
    const event = new CloudEvent<{ trackingId: string }>(JSON.parse(bodyAt('/bus')), true);
    expect(JSON.parse(bodyAt('/pager'))).toEqual({
      ...{ routing_key: hidden, summary: `${event.data!.trackingId} active`, event: event.id },
    });
  });

  it('have previews that equal what was sent, but for the variable', async () => {
    const { event: id } = JSON.parse(bodyAt('/pager')) as { event: string };
    const preview = async (name: string) =>
      JSON.parse((await notifier('endpoint', 'preview', name, '--event', id)).stdout) as { body: string };
    expect((await preview('pager')).body).toBe(bodyAt('/pager').replace(hidden, '***'));
    expect((await preview('bus')).body).toBe(bodyAt('/bus'));
  });

  it('neither print nor store the variable in clear', async () => {
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
    expect(run.stdout + run.stderr).not.toContain(hidden);
    const files = readdirSync(world.path('data'), { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => entry.isFile()))
      expect(readFileSync(join(file.parentPath, file.name), 'latin1')).not.toContain(hidden);
  });
});
