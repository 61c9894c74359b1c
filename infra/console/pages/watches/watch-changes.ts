import { longTimeoutMs, path } from '#infra/cli/api/client.ts';
import type { PollFacts, WatchResource } from '#infra/cli/api/resources.ts';
import type { Change } from '#infra/console/changes/change.ts';
import { outcomeAddress } from '#infra/console/changes/outcome.ts';
import type { PageRequest, Question } from '#infra/console/html/page.ts';
import { readWatch, watchIn } from './watch.ts';
import { watchAddress, watchCommand, watchName } from './watch-words.ts';

type Verb = 'poll' | 'pause' | 'resume';

/** Changes of one watch that need no input. */
export const watchChanges: readonly Change[] = [
  {
    path: '/watch/poll',
    ask: (request) => question(request, 'poll'),
    async run(request) {
      const watch = watchIn(request.url);
      const facts = await request.api.send<PollFacts>({
        method: 'POST',
        path: path`/watches/${watch.direction}/${watch.mailbox}/poll`,
        timeoutMs: longTimeoutMs,
      });
      const { outcome, transfers, changed, published, problem } = facts;
      const there = watchAddress(watch);
      if (problem)
        return outcomeAddress(request, there, 'watch.polled-as.problem', {}, { tone: 'warn', said: problem.message });
      return outcomeAddress(request, there, `watch.polled-as.${outcome}`, { transfers, changed, published });
    },
  },
  statusChange('pause'),
  statusChange('resume'),
];

function statusChange(verb: 'pause' | 'resume'): Change {
  return {
    path: `/watch/${verb}`,
    ask: (request) => question(request, verb),
    async run(request) {
      const { direction, mailbox } = watchIn(request.url);
      const watch = await request.api.send<WatchResource>({
        method: 'POST',
        path: `${path`/watches/${direction}/${mailbox}`}/${verb}`,
      });
      return outcomeAddress(request, watchAddress(watch), `watch.done.${verb}`, { watch: watchName(request, watch) });
    },
  };
}

/** @throws ApiError for an unknown watch */
async function question(request: PageRequest, verb: Verb): Promise<Question> {
  const { say } = request.words;
  const watch = await readWatch(request, watchIn(request.url));
  return {
    title: say(`watch.${verb}`),
    section: 'watches',
    question: say(`watch.question.${verb}`, { watch: watchName(request, watch) }),
    command: watchCommand(verb, watch),
    label: say(`watch.${verb}`),
    back: watchAddress(watch),
  };
}
