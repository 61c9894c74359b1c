import { execFile } from 'node:child_process';

/** Signs of life within the time after which systemd takes the process for hanging, so that one may be lost. */
const signsInTime = 3;

/**
 * Tells systemd that the notifier is ready, and then gives signs of life, if a unit of type `notify` has started it. Its own
 * program sends them, since Node.js has no datagram sockets of Unix (sd_notify(3)).
 *
 * @param environment has NOTIFY_SOCKET, and WATCHDOG_USEC in microseconds
 */
export function tellSupervisor({ NOTIFY_SOCKET, WATCHDOG_USEC }: NodeJS.ProcessEnv): void {
  if (!NOTIFY_SOCKET) return;
  // Without that program, systemd gives the reason when its time for the start is over.
  const tell = (state: string) => execFile('systemd-notify', [state], () => undefined);
  tell('READY=1');
  if (!WATCHDOG_USEC) return;
  setInterval(() => tell('WATCHDOG=1'), Number(WATCHDOG_USEC) / 1000 / signsInTime).unref();
}
