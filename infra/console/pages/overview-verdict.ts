import type { EndpointResource, StatusResource } from '#infra/cli/api/resources.ts';

/** Milliseconds overdue above which a delivery is a fault, as in the alarm. */
const longestOverdueMs = 15 * 60_000;

/** A thing to look at; `bad` keeps news from people, `warn` does not yet, or often passes by itself. */
export type Finding =
  | { readonly kind: 'late'; readonly tone: 'bad'; readonly watches: number }
  | { readonly kind: 'cause'; readonly tone: 'bad' | 'warn'; readonly cause: StatusResource['causes'][number] }
  | { readonly kind: 'overdue'; readonly tone: 'bad'; readonly overdueMs: number }
  | { readonly kind: 'webhook'; readonly tone: 'bad' | 'warn'; readonly endpoint: EndpointResource }
  | {
      readonly kind: 'disabled' | 'held' | 'paused' | 'paused-watches';
      readonly tone: 'warn';
      readonly count: number;
      readonly more: boolean;
    }
  | { readonly kind: 'unwatched' | 'unpolled'; readonly tone: 'warn' };

/** Findings that keep the notifier from working, the worst first. @param failing webhooks and readers whose attempts fail */
export function findingsOf(status: StatusResource, failing: readonly EndpointResource[]): Finding[] {
  const { watches, polls, causes, endpoints, deliveries } = status;
  const { held, oldestOverdueMs } = deliveries;
  const found: (Finding | false)[] = [
    polls.late > 0 && { kind: 'late', tone: 'bad', watches: polls.late },
    ...causes.map((cause): Finding => ({ kind: 'cause', tone: cause.isAnnounced ? 'bad' : 'warn', cause })),
    oldestOverdueMs > longestOverdueMs && { kind: 'overdue', tone: 'bad', overdueMs: oldestOverdueMs },
    ...failing.map((endpoint): Finding => ({ kind: 'webhook', tone: endpoint.health ? 'bad' : 'warn', endpoint })),
    endpoints.disabled > 0 && { kind: 'disabled', tone: 'warn', count: endpoints.disabled, more: false },
    endpoints.paused > 0 && { kind: 'paused', tone: 'warn', count: endpoints.paused, more: false },
    held.count > 0 && { kind: 'held', tone: 'warn', ...held },
    watches.disabled > 0 && { kind: 'paused-watches', tone: 'warn', count: watches.disabled, more: false },
    watches.all === watches.disabled && { kind: 'unwatched', tone: 'warn' },
    watches.all > watches.disabled && polls.lastAt === undefined && { kind: 'unpolled', tone: 'warn' },
  ];
  return found.filter((finding) => finding !== false);
}

/** True for an endpoint whose last attempt failed, or which operators were warned of. */
export const isFailing = ({ status, failures, health }: EndpointResource): boolean =>
  status === 'active' && (failures !== undefined || health !== undefined);
