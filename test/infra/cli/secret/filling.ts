import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { AwsServices } from './aws-services.ts';

export const config = {
  server: { url: 'https://cryptshare.example.com' },
  watches: [{ mailbox: 'alice@example.com' }],
  webhooks: [
    { name: 'crm', url: 'https://crm.example.com/', secretFrom: 'CRM_SECRET' },
    { name: 'ops', urlFrom: 'OPS_URL', format: 'slack' },
  ],
};

/** What the secret needs for the configuration, in the order of the questions. */
export const values = {
  CRYPTSHARE_CLIENT_ID: 'a'.repeat(50),
  CRM_SECRET: newSecret(),
  OPS_URL: 'https://hooks.example.com/services/T0/B0/x',
};
export type Name = keyof typeof values;

interface Filling {
  readonly environment?: Readonly<Partial<Record<Name, string>>>;
  readonly secret?: string;
  readonly declare?: string;
  readonly args?: readonly string[];
}

/** Runs `secret fill`. Each question gets the next of its answers; without answers there is no terminal. */
export async function fill(
  answers: Partial<Record<Name, string | string[]>> | undefined,
  { environment = {}, secret = AwsServices.secretName, declare = AwsServices.functionName, args = [] }: Filling = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'fill-secret-'));
  const file = join(folder, 'notifier.config.json');
  writeFileSync(file, JSON.stringify(config));
  const inOrder = (Object.keys(values) as Name[]).flatMap((name) => answers?.[name] ?? []);
  try {
    const names = ['--secret', secret, '--declare', declare];
    const ran = await run(['secret', 'fill', ...names, '--config', file, ...args], {
      environment,
      ...(answers && { answers: inOrder }),
    });
    return { ...ran, lines: ran.stdout.split('\n').slice(0, -1) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
