import { type Followed, followable, isOverdueSensible } from '#functions/transfers/follow.ts';
import type { Direction } from '#functions/transfers/transfer.ts';
import type { WatchResource } from '#infra/cli/api/resources.ts';
import type { Fields } from '#infra/console/changes/change.ts';
import { inputChange } from '#infra/console/changes/input-change.ts';
import type { WrongInput } from '#infra/console/changes/input-form.ts';
import { outcomeAddress } from '#infra/console/changes/outcome.ts';
import { choice, textField } from '#infra/console/html/forms.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import type { PageRequest, Question } from '#infra/console/html/page.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';
import { watchAddress, watchCommand, watchName } from './watch-words.ts';

interface NewWatch {
  readonly mailbox: string;
  readonly direction: Direction;
  readonly notifyExisting: boolean;
  readonly every?: string | undefined;
  readonly follow?: readonly Followed[] | undefined;
  readonly overdueBefore?: string | undefined;
}

const intervals = ['1m', '5m', '15m', '1h', '6h', '24h'] as const;
const timesBefore = ['1d', '2d', '3d', '7d'] as const;

export const watchAdd = inputChange<NewWatch>({
  path: '/watch/add',
  section: 'watches',
  title: ({ words: { say } }) => say('watch.add'),
  form,
  read,
  ask: question,
  async run(request, watch) {
    const added = await request.api.send<WatchResource>({ method: 'POST', path: '/watches', body: bodyOf(watch) });
    return outcomeAddress(request, watchAddress(added), 'watch.done.add', { watch: watchName(request, added) });
  },
});

function form({ words: { say } }: PageRequest, given: Fields): Html {
  const check = (name: string, label: string) =>
    html`<div><label class="check"><input type="checkbox" name="${name}" value="1"${given[name] === '1' && html` checked`}> ${label}</label></div>`;
  return html`${textField({ name: 'mailbox', label: say('transfers.mailbox'), value: given.mailbox, isRequired: true })}
${choice({ name: 'direction', label: say('transfers.direction'), value: given.direction }, [
  ['sent', say('direction.sent')],
  ['received', say('direction.received')],
])}
${choice({ name: 'every', label: say('watch.polled'), value: given.every }, [
  ['', say('watch.every.general')],
  ...intervals.map((one) => [one, say('watch.every', { time: one })] as const),
])}
<fieldset><legend>${say('watch.follows')}</legend>
${check('downloads', say('follow.downloads'))}${check('problems', say('follow.problems'))}${check('overdue', say('follow.overdue.any'))}
${choice(
  { name: 'before', label: say('follow.before'), value: given.before ?? '2d' },
  timesBefore.map((one) => [one, one]),
)}</fieldset>
${check('existing', say('watch.add.existing'))}`;
}

function read(_request: PageRequest, given: Fields): NewWatch | WrongInput {
  const mailbox = given.mailbox?.trim() ?? '';
  const direction = given.direction === 'received' ? 'received' : 'sent';
  const every = intervals.find((one) => one === given.every);
  const followed = followable.filter((name) => given[name] === '1');
  const follow = followed.length > 0 ? followed : undefined;
  const before = timesBefore.find((one) => one === given.before);
  const isOverdue = isOverdueSensible({ follow, overdueBeforeMs: 1 });
  const notifyExisting = given.existing === '1';
  if (mailbox === '') return { wrong: 'watch.add.no-mailbox' };
  return { mailbox, direction, notifyExisting, every, follow, overdueBefore: isOverdue ? before : undefined };
}

const bodyOf = ({ every, overdueBefore, notifyExisting, ...watch }: NewWatch) => ({
  ...watch,
  notifyExisting: notifyExisting || undefined,
  pollIntervalMs: every && millisecondsOf(every),
  overdueBeforeMs: overdueBefore && millisecondsOf(overdueBefore),
});

function question(request: PageRequest, watch: NewWatch): Question {
  const { say } = request.words;
  const { notifyExisting, every, follow, overdueBefore } = watch;
  const options = [
    notifyExisting && '--notify-existing',
    every !== undefined && `--every ${every}`,
    follow && `--follow ${follow.join(',')}`,
    overdueBefore !== undefined && `--overdue-before ${overdueBefore}`,
  ].filter(Boolean);
  const name = watchName(request, watch);
  return {
    title: say('watch.add'),
    section: 'watches',
    question: say(notifyExisting ? 'watch.add.question.existing' : 'watch.question.add', { watch: name }),
    command: [watchCommand('add', watch), ...options].join(' '),
    label: say('watch.add'),
    back: '/watches',
  };
}
