import { installAsyncApiParser } from './asyncapi-parser.ts';
import { type Implementation, pythonCommand, startDynamoDbLocal, startMoto } from './implementations.ts';
import { trySchemathesis } from './schemathesis.ts';
import { NotHere, run } from './tool.ts';
import { type Verdict, vitestRun } from './vitest-run.ts';

/** Repeats what was tried at random. */
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);

const verdicts: [name: string, verdict: Verdict][] = [];
const missing: string[] = [];

await attempt('DynamoDB Local', () => tryImplementation(startDynamoDbLocal));
await attempt('moto', () => tryImplementation(startMoto));
await attempt('schemathesis', async () => keep('schemathesis', await trySchemathesis(seed)));
await attempt('cfn-lint', async () => {
  const command = { OUTSIDE_CFN_LINT: pythonCommand('cfn-lint') };
  keep('cfn-lint', await vitestRun(['test/outside/cfn-lint.test.ts'], 'cfn-lint', command));
});
await attempt('AsyncAPI parser', async () => {
  installAsyncApiParser();
  keep('AsyncAPI parser', await vitestRun(['test/outside/asyncapi.test.ts'], 'AsyncAPI parser', {}));
});
await attempt('receiver in Python', async () => {
  pythonCommand('python3');
  await tryReceiver('Python');
});
await attempt('receiver in Go', async () => {
  // What cannot be had here is no failure; what does not build is one.
  run('go', ['mod', 'download'], 'needs Go 1.24 or later and its module proxy', 'test/outside/go');
  await tryReceiver('Go');
});

console.log(`\nTried outside of the project (SEED=${seed}):`);
for (const [name, { passed, failed, leftOut }] of verdicts) {
  console.log(`  ${name}: ${passed} passed, ${failed.length} failed, ${leftOut.length} known to differ`);
  for (const text of leftOut) console.log(`    differs: ${text}`);
  for (const text of failed) console.log(`    FAILED: ${text}`);
}
for (const text of missing) console.log(`  left out: ${text}`);
process.exitCode = verdicts.some(([, { failed }]) => failed.length > 0) ? 1 : 0;

/** Does what this machine can do, and remembers why it cannot do the rest. */
async function attempt(name: string, task: () => Promise<void>): Promise<void> {
  console.log(`\n${name} …`);
  try {
    await task();
  } catch (error) {
    if (!(error instanceof NotHere)) throw error;
    missing.push(`${name}: ${error.message}`);
  }
}

function keep(name: string, verdict: Verdict): void {
  verdicts.push([name, verdict]);
}

/** The functions' slices, and a walk through the whole local run. */
async function tryImplementation(startIt: () => Promise<Implementation>): Promise<void> {
  const implementation = await startIt();
  const { name, environment, option } = implementation;
  try {
    keep(`${name}, the functions`, await vitestRun(['test/functions'], name, environment));
    const walk = { OUTSIDE_AWS_ENDPOINT: option };
    keep(`${name}, the local run`, await vitestRun(['test/outside/local-run.test.ts'], name, walk));
  } finally {
    await implementation.stop();
  }
}

async function tryReceiver(language: string): Promise<void> {
  const verdict = await vitestRun(['test/outside/receivers.test.ts'], language, { OUTSIDE_RECEIVERS: language });
  keep(`receiver in ${language}`, verdict);
}
