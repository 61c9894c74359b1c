import { spawn } from 'node:child_process';

const openers: { readonly [Platform in NodeJS.Platform]?: readonly [command: string, ...args: string[]] } = {
  darwin: ['open'],
  linux: ['xdg-open'],
  // The Explorer opens a folder for an address with a query.
  win32: ['rundll32.exe', 'url.dll,FileProtocolHandler'],
};

/**
 * Opens an address in the person's browser. The list of processes shows it to every user of this machine.
 *
 * @returns false where there is no program to open it
 */
export async function openBrowser(address: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  const [command, ...args] = openers[process.platform] ?? [];
  // Without a screen, the opener would start a browser in this terminal, or nothing.
  const hasScreen = process.platform !== 'linux' || environment.DISPLAY || environment.WAYLAND_DISPLAY;
  if (command === undefined || !hasScreen) return false;
  return new Promise((resolve) => {
    const opener = spawn(command, [...args, address], { stdio: 'ignore', detached: true, env: environment });
    opener.on('error', () => resolve(false));
    opener.on('spawn', () => resolve(true));
    opener.unref();
  });
}
