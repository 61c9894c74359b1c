/** Exit code of a command that did its work, but could not write what it had to say. */
const unwritten = 1;

/**
 * Has a command finish its work, even if its output is lost. A reader that has gone, as `head` does, is no failure.
 * Output that cannot be written, as on a full disk, is one: the command says so on stderr and does not end with 0.
 *
 * @param onGone told when nothing more can be written, so that a command without an end can end
 */
export function guardOutput(onGone: () => void): void {
  let isLost = false;
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    onGone();
    if (code === 'EPIPE') return;
    if (!isLost) process.stderr.write(`the output cannot be written (${code}) and is not complete; the work is done\n`);
    isLost = true;
  });
  // What cannot be said there can be said nowhere.
  process.stderr.on('error', () => undefined);
  process.on('exit', (code) => {
    if (isLost && code === 0) process.exitCode = unwritten;
  });
}
