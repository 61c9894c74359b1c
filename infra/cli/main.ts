import { cacheCompiledCode } from '#infra/terminal/compile-cache.ts';

cacheCompiledCode();
const { runCommand } = await import('./command.ts');
process.exitCode = await runCommand(process.argv.slice(2));
