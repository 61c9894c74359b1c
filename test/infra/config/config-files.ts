import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { ConfigError } from '#infra/config/config.ts';

export const server = { url: 'https://cryptshare.example.com' };
export const watches = [{ mailbox: 'alice@example.com' }];
export const crm = { name: 'crm', url: 'https://crm.example.com/hooks', secretFrom: 'CRM_WEBHOOK_SECRET' };

/** Makes a folder for the configurations of one test file, and removes it at the end. */
export function configFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Writes texts and bytes as they are, and settings beside the server and the watch that every file needs. */
  const write = (content: object | string, name = 'notifier.config.json'): string => {
    const file = join(folder, name);
    const isRaw = typeof content === 'string' || Buffer.isBuffer(content);
    writeFileSync(file, isRaw ? (content as string) : JSON.stringify({ server, watches, ...content }));
    return file;
  };

  /** Loads a configuration for its problems. */
  const problemsWith =
    (load: (file: string) => unknown) =>
    (content: object | string): readonly string[] => {
      try {
        load(write(content));
        return [];
      } catch (error) {
        if (error instanceof ConfigError) return error.problems;
        throw error;
      }
    };

  return { folder, write, problemsWith };
}
