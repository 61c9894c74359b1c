import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DataKey } from '#functions/lambda/data-key.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { throttledDynamo } from '#test/functions/webhooks/engine/function-process.ts';
import { closeAll } from '#test/functions/webhooks/http/client-servers.ts';
import { childEnvironment } from '#test/support/child-process.ts';
import { exampleEvent, startWebhookWorld, transfersTable } from '#test/support/webhook-world.ts';
import type { WebhooksStart } from './webhooks-process.ts';

describe('startWebhooks', () => {
  it('reports a failed sweep, and has deliveries made by the next one', async () => {
    const world = await startWebhookWorld();
    const dataKey = randomBytes(32).toString('base64');
    Object.assign(world.deps, { dataKey: new DataKey(dataKey) });
    // The process reads the real time.
    world.clock.set(Date.now() - world.clock.now().getTime());
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    const event = exampleEvent('transfer-1');
    await world.fanOut(event);
    // Without a message, only the sweep finds the delivery.
    await world.takeWakeUps();
    const now = world.clock.now().getTime();
    await world.deps.leases.leaveTask('crm', [event.id], now);
    const received = Promise.withResolvers<void>();
    world.setAnswer(() => {
      received.resolve();
      return { status: 204 };
    });

    let isThrottled = true;
    const isOfSweep = (_: string, body: string) => isThrottled && body.includes('"CLOCK"');
    const AWS_ENDPOINT_URL_DYNAMODB = await throttledDynamo(world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!, isOfSweep);
    const { eventsTopicArn } = world.deps.topic;
    const snsUrl = world.sdkEnvironment.AWS_ENDPOINT_URL_SNS!;
    const start: WebhooksStart = { dataKey, eventsTopicArn, noticesTopicArn: eventsTopicArn, snsUrl, transfersTable };
    const program = fileURLToPath(new URL('webhooks-process.ts', import.meta.url));
    const child = fork(program, [JSON.stringify(start)], {
      env: { ...childEnvironment, ...world.sdkEnvironment, AWS_ENDPOINT_URL_DYNAMODB, AWS_MAX_ATTEMPTS: '1' },
    });
    const exit = once(child, 'exit').then(([code]) => {
      throw new Error(`the process ended with ${code}`);
    });
    exit.catch(() => undefined);
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await exit.catch(() => undefined);
      closeAll();
      await world.close();
    });

    const [warning] = await Promise.race([once(child, 'message'), exit]);
    expect(warning).toMatch(/^the sweep could not wake up all webhooks \(.*Exception\); the next try is in 10 s$/);
    expect(world.received).toEqual([]);
    isThrottled = false;
    child.send('the next one');
    await Promise.race([received.promise, exit]);
    expect(world.received.map(({ headers }) => headers['webhook-id'])).toEqual([event.id]);
  });
});
