import * as z from 'zod/mini';
import { verificationKey, verificationOf } from '#functions/cryptshare/verification-rows.ts';
import { getRows } from '#functions/dynamodb/batch.ts';
import { rowsBetween, type TableSource } from '#functions/dynamodb/index-pages.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { invokePoll } from '#functions/operator/api/on-demand-poll.ts';
import { type OperatorDependencies, on, operation } from '#functions/operator/api/operation.ts';
import { pageOf, pageQuery } from '#functions/operator/api/page.ts';
import { existing, invalid, Problem } from '#functions/operator/api/problem.ts';
import { direction, spanOf, time } from '#functions/operator/api/schemas.ts';
import { watchName } from '#functions/poll/report.ts';
import type { TransferRow } from '#functions/snapshot/diff.ts';
import { baselineProgress, rootKey, toTransferRow, transferRange } from '#functions/snapshot/snapshot-rows.ts';
import { expectedOverdue, followable, isOverdueSensible, overdueBeforeLimitsMs } from '#functions/transfers/follow.ts';
import { address as mailbox } from '#functions/transfers/mailbox-address.ts';
import { comparableState, type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { type RegisteredWatch, registryPartition, watchOf } from '#functions/watches/polled-watches.ts';
import { isQuiet } from '#functions/watches/schedule.ts';
import type { Health } from '#functions/watches/watch-health.ts';
import type { WatchSettings } from '#functions/watches/watches.ts';

/** Tries of a change that other operators' changes outrun. */
const maxTries = 5;

const wholeMs = ([from, to]: readonly [number, number], expected: string) =>
  z.int(expected).check(z.minimum(from, expected), z.maximum(to, expected));

const expectedOverdueMs = 'expected milliseconds from 3600000, an hour, to 2592000000, 30 days';

const settings = {
  pollIntervalMs: wholeMs([1000, 86_400_000], 'expected milliseconds from 1000 to 86400000, a day'),
  follow: z.array(z.enum(followable, `expected ${followable.join(', ')}`)).check(
    z.minLength(1, 'expected at least one'),
    z.refine((list) => new Set(list).size === list.length, 'expected each once'),
  ),
  overdueBeforeMs: wholeMs(overdueBeforeLimitsMs, expectedOverdueMs),
};

const state = z.string().check(z.minLength(1), z.maxLength(64));

const needsOverdue = { path: ['overdueBeforeMs'], error: expectedOverdue };

const wanted = { mailbox, direction: z._default(direction, 'sent'), ...z.partial(z.strictObject(settings)).shape };

const watchPath = '/watches/{direction}/{mailbox}';

const onWatch = on({ direction, mailbox }, watchName);

const nowOf = ({ webhooks }: OperatorDependencies): string => webhooks.now().toISOString();

/** @throws Problem for an unknown watch */
export const existingWatch = async (deps: OperatorDependencies, watch: Watch): Promise<RegisteredWatch> =>
  existing(await deps.transfers.watches.find(watch), wordsFor(watch));

const wordsFor = ({ mailbox, direction }: Watch): string => `watch of what ${mailbox} has ${direction}`;

/** Omits the fields that prevent repeated reports to operators. */
const healthView = ({ sharedAt, turn, ...health }: Health) => health;

const readRoot = r.rowOf({
  baselineAt: r.optional(r.text),
  baselineProgress: r.optional(baselineProgress),
  count: r.optional(r.number),
});

/** Reads snapshot and verification of each watch, as far as operators see them, in one call for all. */
async function statesOf({ dynamo, table }: TableSource, watches: readonly Watch[]) {
  const roots = watches.map((watch) => ({ pk: watchKey(watch), sk: rootKey }));
  const verifications = watches.map(({ mailbox }) => verificationKey(mailbox));
  const rows = await getRows(dynamo, table, [...roots, ...verifications]);
  return roots.map((_, index) => {
    const [root, verification] = [rows[index], rows[roots.length + index]];
    return { snapshot: root && readRoot(root), verification: verification && verificationOf(verification) };
  });
}

async function viewsOf(deps: OperatorDependencies, watches: readonly RegisteredWatch[]) {
  const { quietIntervalMs = 0, pollIntervalMs: generalIntervalMs } = deps.transfers;
  const now = deps.webhooks.now().getTime();
  const states = await statesOf(deps.tables.transfers, watches);
  return watches.map((watch, index) => {
    const { snapshot, verification } = states[index]!;
    const { mailbox, direction, isDeclared = false, isDisabled = false, pollIntervalMs } = watch;
    const { follow, overdueBeforeMs, lacksFacts } = watch;
    const isSlowed = quietIntervalMs > (pollIntervalMs ?? 0) && !isDisabled && isQuiet(watch, now, pollIntervalMs);
    return {
      ...{ mailbox, direction, isDeclared, isDisabled, pollIntervalMs, follow, overdueBeforeMs, lacksFacts },
      generalIntervalMs,
      quietIntervalMs: isSlowed ? quietIntervalMs : undefined,
      health: watch.health && healthView(watch.health),
      // Without a token the row only records an attempt to verify.
      verification: verification?.encrypted
        ? { method: verification.method, validUntil: verification.validUntil }
        : undefined,
      ...snapshot,
    };
  });
}

const viewOf = async (deps: OperatorDependencies, watch: Watch) =>
  (await viewsOf(deps, [await existingWatch(deps, watch)]))[0]!;

const statusChange = (verb: 'pause' | 'resume', refusal: string) =>
  operation(`${verb}Watch`, `POST ${watchPath}/${verb}`, {
    ...onWatch,
    async run(deps, { params: watch }) {
      const read = await existingWatch(deps, watch);
      if (!(await deps.transfers.watches[verb](read, nowOf(deps)))) throw new Problem(409, refusal);
      return viewOf(deps, watch);
    },
  });

const registry = {
  ranges: [rowsBetween(registryPartition, ' ', '~')],
  read: watchOf,
  isWanted: ({ isRemoved }: RegisteredWatch) => !isRemoved,
};

export const shownTransfer = ({ trackingId, state, observedAt, firstSeenAt, isUnlisted, followed }: TransferRow) => {
  const { recipients, downloadedBy } = followed?.downloads ?? {};
  return { trackingId, state, since: observedAt, firstSeenAt, isListed: !isUnlisted, recipients, downloadedBy };
};

export const watchOperations = [
  operation('listWatches', 'GET /watches', {
    query: z.strictObject(pageQuery),
    async run(deps, { query }) {
      const { items, next } = await pageOf(deps.tables.transfers, registry, query);
      return { items: await viewsOf(deps, items), next };
    },
  }),
  operation('addWatch', 'POST /watches', {
    body: z
      .strictObject({ ...wanted, notifyExisting: z._default(z.boolean(), false) })
      .check(z.refine(isOverdueSensible, needsOverdue)),
    status: 201,
    target: ({ body }) => watchName(body),
    async run(deps, { body: { notifyExisting, ...watch } }) {
      const [isAdded] = await deps.transfers.watches.addAll([watch], notifyExisting, nowOf(deps));
      if (!isAdded) throw new Problem(409, 'there is such a watch already; if it is disabled, resume it');
      return viewOf(deps, watch);
    },
  }),
  operation('addWatches', 'POST /watches/batch', {
    body: z.strictObject({
      watches: z
        .array(z.strictObject(wanted).check(z.refine(isOverdueSensible, needsOverdue)))
        .check(z.minLength(1), z.maxLength(100, 'expected at most 100 watches')),
      notifyExisting: z._default(z.boolean(), false),
    }),
    target: ({ body: { watches } }) => `${watches.length} watches`,
    async run(deps, { body: { watches, notifyExisting } }) {
      const added = await deps.transfers.watches.addAll(watches, notifyExisting, nowOf(deps));
      const items = watches.map(({ mailbox, direction }, index) => ({ mailbox, direction, isAdded: added[index]! }));
      return { items };
    },
  }),
  operation('showWatch', `GET ${watchPath}`, { ...onWatch, run: (deps, { params: watch }) => viewOf(deps, watch) }),
  operation('updateWatch', `PATCH ${watchPath}`, {
    ...onWatch,
    body: z.strictObject({
      pollIntervalMs: z.nullish(settings.pollIntervalMs),
      follow: z.nullish(settings.follow),
      overdueBeforeMs: z.nullish(settings.overdueBeforeMs),
    }),
    async run(deps, { params: watch, body }) {
      const named = Object.entries(body).map(([setting, value]) => [setting, value ?? undefined]);
      const changes: WatchSettings = Object.fromEntries(named);
      for (let tries = 0; tries < maxTries; tries += 1) {
        const read = await existingWatch(deps, watch);
        // Without `overdue`, a time that was set before goes with it; only one that is given is a mistake.
        const { follow = read.follow } = body;
        if (!isOverdueSensible({ follow: follow ?? undefined, overdueBeforeMs: changes.overdueBeforeMs }))
          throw invalid([{ path: 'overdueBeforeMs', message: expectedOverdue }]);
        if (await deps.transfers.watches.configure(read, changes, nowOf(deps))) return viewOf(deps, watch);
      }
      throw new Problem(409, 'others are changing this watch: try again');
    },
  }),
  statusChange('pause', 'the watch is disabled already'),
  statusChange('resume', 'the watch is not disabled'),
  operation('pollWatch', `POST ${watchPath}/poll`, {
    ...onWatch,
    async run(deps, { params: watch, deadline }) {
      const { mailbox, direction } = await existingWatch(deps, watch);
      const poll = await invokePoll(deps.pollFunction, { mailbox, direction }, deadline - deps.webhooks.steady());
      return existing(poll, wordsFor(watch));
    },
  }),
  operation('removeWatch', `DELETE ${watchPath}`, {
    ...onWatch,
    status: 204,
    async run(deps, { params: watch }) {
      await deps.transfers.watches.remove(await existingWatch(deps, watch), nowOf(deps));
    },
  }),
  operation('listTransfers', `GET ${watchPath}/transfers`, {
    ...onWatch,
    query: z.extend(z.partial(z.strictObject({ state, from: time, until: time })), pageQuery),
    async run(deps, { params: watch, query }) {
      const found = await existingWatch(deps, watch);
      const wanted = query.state && comparableState(query.state);
      const { from, until } = spanOf(query);
      const ranges = [rowsBetween(watchKey(found), ...transferRange)];
      const isWanted = ({ state: own, observedAt: since }: TransferRow) =>
        since >= from && since < until && (wanted === undefined || comparableState(own) === wanted);
      const { items, next } = await pageOf(deps.tables.transfers, { ranges, read: toTransferRow, isWanted }, query);
      return { items: items.map(shownTransfer), next };
    },
  }),
];
