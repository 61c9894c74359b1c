import { heedNoColor } from '#infra/terminal/colours.ts';
import { cacheCompiledCode } from '#infra/terminal/compile-cache.ts';
import { Daemon } from './daemon.ts';

heedNoColor(process.env);
cacheCompiledCode();
const daemon = new Daemon(process.env);
// Loaded late, so that the daemon handles signals while the slow import runs.
const { runNotifier } = await import('./notifier.ts');
await daemon.exit(await runNotifier(process.argv.slice(2), daemon));
