import type { EndpointEvent } from '#functions/events/endpoint-event.ts';
import { parseEventBody, type TransferEvent, type WatchEvent } from '#functions/events/transfer-event.ts';
import type { TransferRow } from '#functions/snapshot/diff.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { endpointNotice, type Notice, transferNotice, watchNotice } from './notice.ts';
import { publishEvents, publishNotice, type Topics } from './publish.ts';

/**
 * Publishes the pending events of rows, and one notice that sums up those that SNS accepted. If the notice fails, the
 * next poll repeats both, the events under the same ids: delivery is at-least-once. Returns the rows of which all is
 * published, the number of published events, and the last error.
 */
export async function announceTransfers(topics: Topics, watch: Watch, rows: readonly TransferRow[]) {
  const bodies = rows.flatMap((row) => row.pending ?? []);
  const { published, error } = await publishEvents(topics, bodies);
  const events = [...published].map((body) => parseEventBody(body) as TransferEvent);
  const failed = events.length > 0 ? await tryToPublish(topics, transferNotice(watch, events)) : undefined;
  if (failed) return { rows: [], published: events.length, error: failed };
  const announced = rows.filter((row) => row.pending?.every((body) => published.has(body)));
  return { rows: announced, published: events.length, error };
}

/** Publishes events about a watch and a notice for each. @returns the last error, if some must be published again */
export const announceHealth = (topics: Topics, bodies: readonly string[]): Promise<Error | undefined> =>
  announceEach(topics, bodies, (body) => watchNotice(parseEventBody(body) as WatchEvent));

/** Publishes events about an endpoint and a notice for each, as {@link announceHealth} does. */
export const announceEndpoint = (topics: Topics, bodies: readonly string[]): Promise<Error | undefined> =>
  announceEach(topics, bodies, (body) => endpointNotice(JSON.parse(body) as EndpointEvent));

async function announceEach(topics: Topics, bodies: readonly string[], noticeOf: (body: string) => Notice) {
  // These notices are few and always reach the webhooks, so fan-out need not be able to write them.
  const everywhere = { ...topics, hasNoChats: false };
  const { published, error } = await publishEvents(everywhere, bodies);
  let failed = error;
  for (const body of published) failed = (await tryToPublish(everywhere, noticeOf(body))) ?? failed;
  return failed;
}

const tryToPublish = (topics: Topics, notice: Notice) => publishNotice(topics, notice).catch((error: Error) => error);
