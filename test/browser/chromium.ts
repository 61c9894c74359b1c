import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the browser that all files use. */
    browser: string;
  }
}

/** Where Debian and Ubuntu install the package `chromium`. */
const usualPath = '/usr/bin/chromium';

/** Every name below `.example` means this machine, as after DNS rebinding; no other name means anything. */
const names = 'MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost';

/** Program of Chromium. @throws Error if it is not there */
export function chromiumPath(): string {
  const path = process.env.CHROMIUM || usualPath;
  if (existsSync(path)) return path;
  throw new Error(`there is no Chromium at ${path}: install the package chromium, or name its program in CHROMIUM`);
}

/** Starts the browser before the first file, and ends it after the last. */
export default async function startBrowser({ provide }: TestProject): Promise<() => Promise<void>> {
  const args = [`--host-resolver-rules=${names}`];
  const server = await chromium.launchServer({ executablePath: chromiumPath(), args });
  provide('browser', server.wsEndpoint());
  return () => server.close();
}
