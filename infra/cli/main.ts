import { heedNoColor } from '#infra/terminal/colours.ts';
import { cacheCompiledCode } from '#infra/terminal/compile-cache.ts';

heedNoColor(process.env);
cacheCompiledCode();
const { runCommand } = await import('./command.ts');
process.exitCode = await runCommand(process.argv.slice(2));
