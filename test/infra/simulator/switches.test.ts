import { expect, it, test } from 'vitest';
import { defaultSwitches, switchesSchema } from '#infra/simulator/switches.ts';
import { startServerWithClock } from './client.ts';
import { observations } from './switch-observations.ts';

test.each(observations)(
  '$switches changes what a client sees, while the server runs',
  async ({ switches, observe, byDefault, switched }) => {
    const before = await startServerWithClock();
    expect(await observe(before.server, before.advance)).toEqual(byDefault);

    const after = await startServerWithClock();
    Object.assign(after.server.switches, switchesSchema.partial().parse(switches));
    expect(await observe(after.server, after.advance)).toEqual(switched);
  },
);

it('leaves no switch without an observation', () => {
  const turned = new Set(observations.flatMap(({ switches }) => Object.keys(switches)));
  expect([...turned].toSorted()).toEqual(Object.keys(defaultSwitches).toSorted());
});
