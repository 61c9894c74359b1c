import type { Deadline } from '#functions/clock/instants.ts';
import type { Pass, Scope } from '#functions/cryptshare/client.ts';
import { isUnchanged, needsFullListing, planReads, scopeFor } from '#functions/snapshot/read-plan.ts';
import type { Root } from '#functions/snapshot/snapshot-rows.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import type { PollDependencies } from './dependencies.ts';
import { askForFacts } from './facts.ts';

export interface PollTerms {
  /** `active`: list the active transfers alone if that saves requests. */
  readonly scope: Scope;
  /** True for a full listing that no active pass follows soon: on demand, or the first with new settings. */
  readonly wantsFacts?: boolean;
  readonly deadline: Deadline;
}

/**
 * Lists a watch: the active transfers alone where that saves requests, otherwise all. Lists of active transfers have
 * the facts that the watch follows. A full listing has another beside it, unless the next poll makes one anyway.
 * Returns the pass that counts, whose listing the caller releases, its plan, and figures of all passes.
 */
export async function listWatch(
  { server, schedule }: Pick<PollDependencies, 'server' | 'schedule'>,
  root: Root,
  watch: RegisteredWatch,
  { scope, deadline, wantsFacts = false }: PollTerms,
) {
  const isFollowing = (watch.follow?.length ?? 0) > 0;
  const isPlain = isFollowing && server.lacksDetails(watch);
  const passes: Pass[] = [];
  const releaseAndThrow = (error: Error) => {
    for (const { listing } of passes) listing.release();
    throw error;
  };
  const listOf = async (one: Scope) => {
    const expected = one === 'active' ? root.active : root.count;
    const listing = server.list(watch, one, expected, deadline, (seen) => isUnchanged(root, seen, isFollowing));
    passes.push(await listing.catch(releaseAndThrow));
    return passes.at(-1)!;
  };
  let pass = await listOf(isPlain ? 'all' : scopeFor(root, scope));
  const addFactsOf = ({ listing }: Pass) => {
    const facts = listing.knownFacts();
    listing.release();
    pass.listing.addFacts(facts);
  };
  // A failing watch is always listed in full.
  const alternates =
    schedule.fullListingEvery > 1 && !wantsFacts && !watch.health && scopeFor(root, 'active') === 'active';
  if (isFollowing && !isPlain && !alternates && pass.scope === 'all' && (pass.failure?.retryable ?? true)) {
    addFactsOf(await listOf('active'));
  }
  const { active, told, hasFacts } = passes.at(-1)!.listing;
  let asked = 0;
  let lacksFacts = isFollowing ? undefined : false;
  const isWhole = passes.every(({ failure }) => !failure);
  if (isFollowing && isWhole && root.baselineAt !== undefined && active > 0 && (isPlain || hasFacts)) {
    const inquiry = { server, watch, deadline };
    const answers = await askForFacts(inquiry, pass.listing.untold(root.bits)).catch(releaseAndThrow);
    pass.listing.addFacts(answers.facts);
    asked = answers.requests;
    if (watch.direction === 'received') lacksFacts = told < active;
    else if (answers.isLacking && pass.listing.told === 0) lacksFacts = true;
    else if (pass.listing.told > 0 && (asked > 0 || told === active))
      lacksFacts = !isPlain && told > 0 && answers.odd.length > 0;
    if (pass.listing.told > 0) {
      // Otherwise one odd transfer would hide the facts of all others of its bucket.
      const odd = watch.direction === 'sent' ? answers.odd : [...pass.listing.untold(root.bits).values()].flat();
      pass.listing.addFacts(new Map(odd.map((id) => [id, { fetches: new Map(), isUntold: true }])));
    }
  }
  let plan = planReads(root, pass, isFollowing);
  const isUntold = isFollowing && pass.listing.untold(root.bits).size > 0;
  if (pass.scope === 'active' && !pass.failure && (isUntold || needsFullListing(root, watch, plan))) {
    const activePass = pass;
    pass = await listOf('all');
    addFactsOf(activePass);
    plan = planReads(root, pass, isFollowing);
  }
  return {
    pass,
    plan,
    pages: passes.reduce((sum, { listing }) => sum + listing.pageCount, 0),
    requests: passes.reduce((sum, { requests }) => sum + requests, asked),
    lacksFacts,
    failure: passes.find(({ failure }) => failure)?.failure,
  };
}
