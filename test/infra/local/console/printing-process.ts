import { createInterface } from 'node:readline';
import { LineOutput } from '#infra/local/console/output.ts';

/** Prints each line that it reads as often as the number before it says. Tells on stderr what happens to them. */
const output = new LineOutput(process.stdout, {
  gone: (code) => process.stderr.write(`gone ${code}\n`),
  refused: (code) => process.stderr.write(`refused ${code}\n`),
  resumed: (leftOut) => output.write(`resumed ${leftOut}\n`),
});
createInterface({ input: process.stdin }).on('line', (line) => {
  const [, count, text] = /^(\d+) (.*)$/.exec(line)!;
  for (let index = 0; index < Number(count); index += 1) output.write(`${text}\n`);
  process.stderr.write(`printed, ${output.stream.writableLength} bytes wait\n`);
});
