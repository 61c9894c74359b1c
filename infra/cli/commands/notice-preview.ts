import { dayMs } from '#functions/clock/retention.ts';
import { digestOf, type ToldEvent } from '#functions/notices/digest.ts';
import { messageOf } from '#functions/notices/message.ts';
import { textOf } from '#functions/notices/text.ts';
import { isWanted } from '#functions/webhooks/endpoints/endpoint.ts';
import { chatBodyOf, isChat } from '#functions/webhooks/endpoints/format.ts';
import { type Reader, usualReader } from '#functions/webhooks/endpoints/reader.ts';
import type { Query } from '#infra/cli/api/client.ts';
import type { EndpointResource } from '#infra/cli/api/resources.ts';

/** Reads events of a query of `GET /events`, the newest first. Cut, there were more than it reads. */
export type ReadEvents = (query: Query) => Promise<{ readonly events: readonly ToldEvent[]; readonly isCut: boolean }>;

interface PreviewSource {
  readonly read: ReadEvents;
  /** Milliseconds. @default from digest to digest */
  readonly period?: number | undefined;
  readonly now: Date;
}

/** The message that a reader would get now of the stored events of the last period, compared with those before. */
export async function noticePreview(endpoint: EndpointResource, { read, period, now }: PreviewSource) {
  const { name, format, reader = usualReader } = endpoint;
  const periodMs = period ?? usualPeriodMs(reader);
  const until = now.getTime();
  const since = until - periodMs;
  const between = async (from: number, to: number) => {
    const { events, isCut } = await read({ from: iso(from), until: iso(to), type: endpoint.types.join(',') });
    const wanted = events.filter(({ type, data }) => isWanted(endpoint, { types: [type], ...(data as object) }));
    return { wanted, isCut };
  };
  const earlier = reader.when === 'at once' ? undefined : await between(since - periodMs, since);
  // A part of the period before is nothing to compare with.
  const before = earlier?.isCut ? undefined : earlier;
  const { wanted, isCut } = await between(since, until);
  const times = { id: 'dig_preview', since: iso(since), until: iso(until) };
  const { counts } = digestOf(before?.wanted ?? [], times);
  const { digest } = digestOf(wanted, { ...times, before: before && counts });
  const message = messageOf(digest, { name, ...reader });
  const body: unknown = isChat(format) ? JSON.parse(chatBodyOf(format, message)) : textOf(message);
  return { digest, message, body, isCut };
}

/** Milliseconds from one digest of a reader to the next; of messages at once, a day. */
function usualPeriodMs({ when }: Reader): number {
  if (when.startsWith('weekly')) return 7 * dayMs;
  return { hourly: dayMs / 24, 'every minute': 60_000 }[when] ?? dayMs;
}

const iso = (at: number): string => new Date(at).toISOString();
