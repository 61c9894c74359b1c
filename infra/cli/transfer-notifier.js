#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

// The Node.js in the project's dependencies runs TypeScript; the machine's may not.
const own = fileURLToPath(import.meta.resolve('../../node_modules/.bin/node'));
const main = fileURLToPath(import.meta.resolve('./main.ts'));
const child = spawn(existsSync(own) ? own : process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
// A terminal sends these to both processes. The command counts them as one and decides how to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + constants.signals[signal];
});
