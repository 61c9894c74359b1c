import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, loadConfig } from '#infra/config/config.ts';

/** The mailboxes that are watched. */
export const alice = 'alice@example.com';
export const carol = 'carol@example.com';

/**
 * A configuration with every kind of endpoint, as a file would have it.
 *
 * @param folder that holds the server's certificate, `server.pem`, and gets the file
 */
export function exampleConfig(folder: string, serverUrl: string): Config {
  const file = join(folder, 'notifier.config.json');
  const ofAlice = { mailboxes: [alice] };
  writeFileSync(
    file,
    JSON.stringify({
      server: { url: serverUrl, caFile: 'server.pem' },
      watches: [{ mailbox: alice }, { mailbox: carol }],
      notify: { readers: [{ name: 'people', email: 'people@example.com' }] },
      webhooks: [
        { name: 'crm', url: 'https://hooks.example.com/crm', secretFrom: 'CRM_SECRET', ...ofAlice },
        { name: 'chat', urlFrom: 'CHAT_URL', format: 'slack', types: ['endpoint.*', 'transfer.*'], ...ofAlice },
        // A retry too far ahead for a wake-up: only the sweep finds it.
        {
          name: 'rebound',
          url: 'https://inside.example.com/',
          secretFrom: 'REBOUND_SECRET',
          retryDelays: ['1h', '1h'],
          ...ofAlice,
        },
        { name: 'inside', urlFrom: 'INSIDE_URL', format: 'slack' },
      ],
      alarmEmail: 'operators@example.com',
    }),
  );
  return loadConfig(file);
}
