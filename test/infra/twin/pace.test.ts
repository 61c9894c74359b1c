import { expect, it } from 'vitest';
import { historyOf } from '#infra/simulator/lives/history.ts';
import { watchesOf } from '#infra/simulator/lives/player.ts';
import { startTwin } from '#infra/twin/twin.ts';

it('a twin polls once an hour, where something happens, and each minute for five after a listing changed', async () => {
  const history = historyOf(`
    {"at":"2026-03-02T09:00:30Z","transfer":1,"is":"sent"}
    {"at":"2026-03-02T11:30:00Z","transfer":1,"is":"unlisted"}`);
  const from = Date.parse('2026-03-02T09:00:00Z');
  const until = Date.parse('2026-03-02T13:00:00Z');
  const twin = await startTwin({ seed: 1, history, watches: watchesOf(history), from, until });
  const polls: string[] = [];
  for await (const { at } of twin.polls()) polls.push(new Date(at).toISOString().slice(11, 16));
  await twin.close();
  const afterwards = ['11:31', '11:32', '11:33', '11:34', '11:35'];
  expect(polls).toEqual(['09:00', '09:01', '10:01', '11:01', '11:30', ...afterwards, '12:35', '13:00']);
});
