import { beforeEach, expect, test } from 'vitest';
import { transferNotice } from '../../../functions/notices/notice.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { fanOut } from '../../../functions/webhooks/fan-out.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const noticeOf = (trackingId: string) =>
  transferNotice({ mailbox: 'alice@example.com', direction: 'sent' }, [exampleEvent(trackingId)]).record;

test.each(['ntc_one', 'ntc_€'])('a chat gets its notices, whoever published one with the id %s', async (id) => {
  await addEndpoint(world.deps, 'ops', { url: world.urlOf('ops'), format: 'slack', types: ['transfer.*'] });
  // The second one comes while the pace of Slack has it wait: a request names it. It may as well be refused by fan-out.
  const others = [noticeOf('transfer-1'), noticeOf('transfer-3'), noticeOf('transfer-4')] as const;
  for (const notice of [others[0], { ...noticeOf('transfer-2'), id }, others[1], others[2]]) {
    await fanOut(world.deps, [{ body: JSON.stringify(notice) }]);
    await world.answerWakeUps();
    world.clock.advance(10);
  }
  for (let minutes = 0; minutes < 240; minutes += 1) {
    world.clock.advance(60_000);
    await world.sweep();
    await world.answerWakeUps();
  }
  expect(world.received.map(({ headers }) => headers['webhook-id'])).toEqual(
    expect.arrayContaining(others.map((one) => one.id)),
  );
}, 120_000);
