import { randomBytes } from 'node:crypto';
import { ServerCalls } from '#functions/cryptshare/api-calls.ts';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { Tokens } from '#functions/cryptshare/tokens.ts';
import { requestCode } from '#functions/cryptshare/verification-api.ts';
import { Verifications } from '#functions/cryptshare/verification-rows.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { defaultSwitches } from '#infra/simulator/switches.ts';
import { clientId, startWorld, table, type World } from '#test/support/poll-world.ts';

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** A client id that no administrator has registered: owners verify their mailboxes by codes. */
export const strangeClientId = 'unregistered'.repeat(5);

/** The world of the tests of a file. */
export let world: World;
/** The mailbox of the current test. */
export let mailbox: string;
let mailboxes = 0;
const dataKey = new DataKey(randomBytes(32).toString('base64'));

/** Gives the tests of a file a world. */
export async function startTokenWorld(): Promise<() => Promise<void>> {
  world = await startWorld();
  mailboxes = 0;
  return () => world.close();
}

/** Gives a test a mailbox of its own, and the server its first behaviour. */
export function startMailbox(): void {
  mailboxes += 1;
  mailbox = `tokens-${mailboxes}@example.com`;
  Object.assign(world.cryptshare.switches, { ...defaultSwitches, idleTermMs: 10_000 * day });
  world.cryptshare.faults.clear();
  world.cryptshare.requests.reset();
  world.cryptshare.verifications.registerClientId(clientId);
  world.cryptshare.transfers.create({ sender: mailbox, to: ['bob@example.com'] });
}

export const verifications = () => new Verifications({ dynamo: world.deps.dynamo, table });

/** A process of its own, which knows nothing but the table. */
export function newProcess(as = clientId, maxConcurrentPages = 4) {
  const calls = new ServerCalls({
    ...{ origin: world.cryptshare.url, clientId: as, maxConcurrentPages, random: () => 0.5 },
    ...{ now: world.clock.now, steady: world.clock.steady },
    // Others continue while one waits.
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
  });
  const tokens = new Tokens({ calls, dataKey, verifications: verifications() });
  const client = new CryptshareClient(calls, tokens);
  const soon = () => world.clock.steady() + 50 * second;
  const pass = (of = mailbox, expected = 0, direction: 'sent' | 'received' = 'sent') =>
    client.list({ mailbox: of, direction }, 'all', expected, soon());
  const list = async (...args: Parameters<typeof pass>) => (await pass(...args)).failure;
  return { calls, tokens, pass, list, soon };
}

export const codeInMail = () => world.cryptshare.verifications.codeFor({ mailbox, clientId: strangeClientId })!;

/** A process for which the owner has verified the mailbox by a code. */
export async function verifiedByMail() {
  const one = newProcess(strangeClientId);
  await requestCode(one.calls, mailbox, one.soon());
  await one.tokens.verify(mailbox, codeInMail(), one.soon());
  return one;
}

export const tokenRequests = () =>
  world.cryptshare.requests.report().recent.filter(({ url }) => url.endsWith('/verification/token')).length;
