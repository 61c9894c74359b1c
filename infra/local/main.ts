import { Daemon } from './daemon.ts';

const daemon = new Daemon(process.env);
// Loading it takes a while, in which signals have their meaning already.
const { runNotifier } = await import('./notifier.ts');
await daemon.exit(await runNotifier(process.argv.slice(2), daemon));
