import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect } from 'vitest';
import { explain } from '#functions/operator/operations/explain.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import type { Deliveries } from '#functions/webhooks/deliveries/deliveries.ts';
import { type Answers, answers } from '#infra/api/answers.ts';
import { transfersTable, type WebhookWorld, webhooksTable } from './webhook-world.ts';

export type Explanation = Answers['explainTransfer'];
type Told = Explanation['subscribers'][number]['verdicts'][number];

interface Explained {
  readonly dynamo: DynamoDBClient;
  readonly deliveries: Deliveries;
  readonly now: () => Date;
}

/** Explains a transfer from the tables of a world. The explanation is as documented. */
export async function explainIn(
  { dynamo, ...webhooks }: Explained,
  trackingId: string,
  asked: Partial<Watch> = {},
): Promise<Explanation> {
  const tables = { transfers: { dynamo, table: transfersTable }, webhooks: { dynamo, table: webhooksTable } };
  const told = await explain({ tables, webhooks }, trackingId, asked, Number.POSITIVE_INFINITY);
  return answers.explainTransfer.parse(JSON.parse(JSON.stringify(told))) as Explanation;
}

/** The true account of deliveries, from outside of the tables. */
export interface DeliveryTruth {
  /** Events by their ids. */
  readonly events: ReadonlyMap<string, { readonly trackingId: string }>;
  /** Answers that the receiver gave to an event, in their order. */
  readonly answers: (event: string, endpoint: string) => readonly number[];
  /** True if a process failed while it had the event: records may lack what the receiver got. */
  readonly isTroubled: (event: string, endpoint: string) => boolean;
  /** True if the endpoint was removed, or was paused, since the event. */
  readonly wasRemoved: (event: string, endpoint: string) => boolean;
  readonly wasPaused: (event: string, endpoint: string) => boolean;
  /** True if an endpoint of this name was ever disabled: what it held then stays held for a later one. */
  readonly wasDisabled: (endpoint: string) => boolean;
}

/** Expects a verdict for each event and endpoint of a world that agrees with what its receiver got. */
export async function expectTrueVerdicts({ deps }: WebhookWorld, truth: DeliveryTruth): Promise<void> {
  const statuses = new Map((await deps.endpoints.list()).map(({ name, status }) => [name, status]));
  for (const [id, { trackingId }] of truth.events) {
    const told = await explainIn(deps, trackingId);
    expect(told).toMatchObject({ trackingId, finding: 'told' });
    expect(told.subscribers.map(({ name, status }) => [name, status])).toEqual([...statuses]);
    for (const { name, verdicts } of told.subscribers) {
      expect(verdicts.map(({ event }) => event)).toEqual([id]);
      const of = { event: id, endpoint: name, status: statuses.get(name)! };
      expectTrueVerdict(truth, of, verdicts[0]!);
      expectTrueAttempts(truth, of, told);
    }
  }
}

interface Of {
  readonly event: string;
  readonly endpoint: string;
  readonly status: string;
}

function expectTrueVerdict(truth: DeliveryTruth, { event, endpoint, status }: Of, told: Told): void {
  const [answers, isTroubled] = [truth.answers(event, endpoint), truth.isTroubled(event, endpoint)];
  const isTaken = answers.includes(204);
  const note = `${endpoint} (${status}) answered ${answers}, and is said to be ${JSON.stringify(told)}`;
  const { verdict } = told;
  if (isTaken && !isTroubled) expect(verdict, note).toBe('delivered');
  if (verdict === 'delivered') expect(isTaken, note).toBe(true);
  else if (verdict === 'endpoint_removed') expect(truth.wasRemoved(event, endpoint), note).toBe(true);
  else if (verdict === 'held_paused') expect(truth.wasPaused(event, endpoint), note).toBe(true);
  else if (verdict === 'held_disabled') expect(status === 'disabled' || truth.wasDisabled(endpoint), note).toBe(true);
  else if (verdict === 'in_flight') expect(isTroubled, note).toBe(true);
  else if (verdict === 'failed') expect(answers.length > 0 || told.reason === 'interrupted', note).toBe(true);
  else if (verdict === 'waits_for_retry')
    expect([status, answers.length > 0 || isTroubled], note).toEqual(['active', true]);
  else expect([verdict, status], note).toEqual(['waits_for_first_attempt', 'active']);
  if (/^waits/.test(verdict)) expect(isTaken && !isTroubled, note).toBe(false);
}

/** Each recorded attempt was made, and each was recorded where no process failed. */
function expectTrueAttempts(truth: DeliveryTruth, { event, endpoint }: Of, { timeline }: Explanation): void {
  const recorded = timeline
    .filter((one) => one.kind === 'attempt' && one.endpoint === endpoint)
    .flatMap(({ status }) => status ?? []);
  const left = [...truth.answers(event, endpoint)];
  for (const status of recorded) {
    expect(left).toContain(status);
    left.splice(left.indexOf(status), 1);
  }
  if (!truth.isTroubled(event, endpoint)) expect(left).toEqual([]);
}

/**
 * Expects that each event of a reader is told in the mail that its explanation names, or failed or was lost as that says.
 *
 * @param isLost true for an event whose reader was removed after it
 */
export async function expectTrueDigests(
  { deps, mails }: WebhookWorld,
  name: string,
  events: readonly { readonly id: string; readonly data: { readonly trackingId: string } }[],
  isLost: (id: string) => boolean,
): Promise<void> {
  const mailed = mails.filter(({ reader }) => reader === name);
  /** Mails by the transfers of which they tell, as far as they tell one by one. */
  const tellers = new Map(
    mailed.flatMap(({ id, message }) =>
      message.sections.flatMap(({ lines }) => lines.map(({ trackingId }) => [trackingId, id] as const)),
    ),
  );
  for (const { id, data } of events) {
    const { subscribers, timeline } = await explainIn(deps, data.trackingId);
    const verdicts = subscribers.find((one) => one.name === name)!.verdicts;
    expect(verdicts.map(({ event }) => event)).toEqual([id]);
    const { verdict, digest } = verdicts[0]!;
    const note = `${id} is said to be ${verdict} in ${digest}`;
    const teller = tellers.get(data.trackingId);
    if (teller !== undefined && !(verdict === 'endpoint_removed' && isLost(id))) expect(digest, note).toBe(teller);
    const isMailed = mailed.some((mail) => mail.id === digest);
    if (verdict === 'in_digest') expect(isMailed, note).toBe(true);
    else if (verdict === 'endpoint_removed') expect(isLost(id), note).toBe(true);
    else expect([verdict, digest === undefined], note).toEqual(['failed', false]);
    const kinds = timeline.filter(({ endpoint }) => endpoint === name).map(({ kind }) => kind);
    expect(kinds.includes('delivered'), note).toBe(verdict === 'in_digest');
  }
}
