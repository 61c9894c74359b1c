/**
 * Lets a command finish its work even if its output is lost. A closed pipe, for example of `head`, is no failure.
 * Another write error, for example on a full disk, is reported on stderr and turns exit code 0 into 1.
 *
 * @param onGone called when nothing more can be written, so that an endless command can stop
 */
export function guardOutput(onGone: () => void): void {
  let isLost = false;
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    onGone();
    if (code === 'EPIPE') return;
    if (!isLost) process.stderr.write(`the output cannot be written (${code}) and is not complete; the work is done\n`);
    isLost = true;
  });
  // No stream is left to report this on.
  process.stderr.on('error', () => undefined);
  process.on('exit', (code) => {
    if (isLost && code === 0) process.exitCode = 1;
  });
}
