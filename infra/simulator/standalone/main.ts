import { cacheCompiledCode } from '#infra/terminal/compile-cache.ts';

cacheCompiledCode();
const { runSimulator } = await import('./run-simulator.ts');
process.exit(await runSimulator(process.argv.slice(2)));
