import { expect, test } from 'vitest';
import { Work } from '#functions/webhooks/engine/work.ts';
import { crm, first, startEndpointWorld, world } from '#test/support/endpoint-world.ts';

test('Work reads a task again that a drain leaves undone, until another process has deleted it', async () => {
  const end = await startEndpointWorld();
  await crm.add();
  await world.fanOut(first);
  await world.deps.leases.leaveTask('crm', [first.id], world.now());
  const work = new Work(world.deps, 'crm', [], true);
  for (let times = 0; times < 2; times += 1) {
    expect((await work.look(1, true))?.deliveries).toHaveLength(1);
    work.putBack(first.id);
    expect(await work.leave(false)).toBe(true);
  }
  const [task] = await world.otherLeases().tasks('crm');
  await world.otherLeases().deleteTask('crm', task!.sk);
  expect(await work.look(1, true)).toBeUndefined();
  expect(await work.leave(false)).toBe(false);
  await end();
});
