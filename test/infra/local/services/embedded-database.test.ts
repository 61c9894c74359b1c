import { expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '#infra/local/services/embedded-database.ts';

it('a row of a database in memory keeps its own bytes alone, not the shared buffer that they were cut from', async () => {
  const { rows, server } = createDatabase(undefined);
  onTestFinished(() => void server.close());
  await rows.put('one', 'put alone');
  await rows.batch([{ type: 'put', key: 'two', value: 'put with others' }]);
  const bytes = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
  const kept: Buffer[] = [];
  for await (const pair of rows.iterator<Buffer, Buffer>(bytes)) kept.push(...pair);
  expect(kept.map(String)).toEqual(['one', '"put alone"', 'two', '"put with others"']);
  expect(kept.map(({ buffer }) => buffer.byteLength)).toEqual(kept.map(({ length }) => length));
});
