import { problems } from '#functions/transfers/follow.ts';
import { knownStates } from '#functions/transfers/transfer.ts';
import { badge, facts, foreign, table } from '#infra/console/html/elements.ts';
import { choice, textField } from '#infra/console/html/forms.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import { problemsOf } from '#infra/simulator/lives/player.ts';
import type { Simulation } from '#infra/simulator/simulation.ts';
import type { Recipient, Transfer } from '#infra/simulator/transfer.ts';
import { form, type Page } from './frame.ts';

/** Transfers on a page. */
const pageSize = 25;

const address = (trackingId: string, action = ''): string => `/transfers/${encodeURIComponent(trackingId)}${action}`;

/** @param page from 1 */
export function transfersPage({ transfers, clock }: Simulation, page: number): Page {
  const shown = transfers.newest((page - 1) * pageSize, pageSize + 1);
  const columns = [
    {
      heading: 'Tracking id',
      cell: ({ trackingId }: Transfer) => html`<a href="${address(trackingId)}">${trackingId}</a>`,
    },
    { heading: 'State', cell: stateBadge },
    { heading: 'From', cell: ({ sender }: Transfer) => foreign(sender) },
    {
      heading: 'Fetched by',
      cell: ({ recipients }: Transfer) => `${recipients.filter(hasFetched).length} of ${recipients.length}`,
    },
    { heading: 'Ends', cell: (one: Transfer) => endOf(one, clock.format.bind(clock)) },
  ];
  const rows = shown.slice(0, pageSize);
  const list =
    rows.length === 0
      ? html`<p>No transfers yet: send one below.</p>`
      : table('Transfers, the newest first', columns, rows);
  const links = [
    page > 1 && html`<a href="/?page=${page - 1}">Newer</a> `,
    shown.length > pageSize && html`<a href="/?page=${page + 1}" rel="next">Older</a>`,
  ];
  const fields = [
    textField({ name: 'sender', label: 'Sender', value: 'alice@example.com' }),
    textField({ name: 'to', label: 'Recipients, with commas between them', value: 'bob@example.org' }),
    textField({ name: 'files', label: 'Number of files', value: '1' }),
  ];
  return {
    title: 'Transfers',
    section: '/',
    main: html`${list}<nav class="pager" aria-label="Pages">${links}</nav>
<h2>Send a transfer</h2>${form('/transfers', 'Send', fields)}`,
  };
}

/** One transfer, with all that can happen to it. */
export function transferPage({ clock }: Simulation, transfer: Transfer): Page {
  const { trackingId, state, sender, recipients, files, purged } = transfer;
  const to = (action: string) => address(trackingId, action);
  const mails = recipients.map(({ mail }) => mail);
  const moves: Html[] = [
    form(to('/state'), 'Change its state', [
      choice({ name: 'state', label: 'State', value: state }, pairs(knownStates)),
      textField({ name: 'other', label: 'Or any other text' }),
    ]),
    form(to('/downloads'), 'Fetch a file', [
      choice({ name: 'mail', label: 'Recipient' }, pairs(mails)),
      textField({ name: 'file', label: `File, from 1 to ${files}`, value: '1' }),
      choice({ name: 'method', label: 'Method' }, pairs(methods)),
    ]),
    form(to('/expiry'), 'Move its end', textField({ name: 'days', label: 'Days from now', value: '1' })),
    form(
      to('/problems'),
      'Give it these problems and no others',
      html`<fieldset><legend>Problems</legend>${problems.map(
        (one) => html`<label><input type="checkbox" name="${one}"> ${one.replaceAll('_', ' ')}</label>`,
      )}</fieldset>`,
    ),
    purged ? form(to('/restore'), 'Put it back into the log') : form(to('/purge'), 'Take it out of the log'),
  ];
  return {
    title: trackingId,
    section: '/',
    main: html`${facts([
      ['State', stateBadge(transfer)],
      ['Sender', foreign(sender)],
      ['Sent', clock.format(transfer.sentAt)],
      ['Ends', endOf(transfer, clock.format.bind(clock))],
      ['Files', files],
    ])}
${table(
  'Recipients',
  [
    { heading: 'Address', cell: ({ mail }: Recipient) => foreign(mail) },
    { heading: 'As', cell: ({ kind }: Recipient) => kind },
    { heading: 'Fetched', cell: fetchesOf },
    { heading: 'Notified', cell: ({ notificationFailed }: Recipient) => (notificationFailed ? 'failed' : 'yes') },
  ],
  recipients,
)}
<h2>Move it</h2>${moves}`,
  };
}

/** Values that are their own words. */
export const pairs = (values: readonly string[]) => values.map((value) => [value, value] as const);

const hasFetched = ({ downloads }: Recipient): boolean => downloads.length > 0;

const fetchesOf = ({ downloads }: Recipient) =>
  downloads.length === 0
    ? 'nothing'
    : `${downloads.length === 1 ? 'once' : `${downloads.length} times`}, last ${downloads.at(-1)!.method.toLowerCase()}`;

function stateBadge({ state, purged }: Transfer): Html {
  const tone = state === 'ACTIVE' ? 'good' : /^(?:FAILED|DELETED_BY_SECURITY)$/.test(state) ? 'bad' : 'calm';
  return html`${badge(tone, state)}${purged && ' not in the log'}`;
}

const endOf = ({ expiresAt }: Transfer, format: (at: number) => string): string =>
  expiresAt === null ? 'never' : format(expiresAt);

/** Methods of a download that the page offers, the usual one first. */
const methods = ['DOWNLOADED', 'VIEWED'] as const;

/** Changes that the forms of a transfer ask for, by the last part of their address. */
export const moves: Readonly<Record<string, (simulation: Simulation, id: string, form: Form) => void>> = {
  state: ({ transfers }, id, { state = '', other = '' }) => transfers.setState(id, other.trim() || state),
  downloads: ({ transfers }, id, { mail = '', file, method = methods[0] }) =>
    transfers.download(id, mail, { file: numberIn(file, 1, 999), method: oneOf(methods, method) }),
  expiry: ({ transfers, clock }, id, { days }) =>
    transfers.moveExpiry(id, new Date(clock.now() + numberIn(days, -3650, 3650) * 86_400_000)),
  problems({ transfers }, id, given) {
    const mails = transfers.any(id)?.recipients.map(({ mail }) => mail) ?? [];
    transfers.setProblems(
      id,
      problemsOf(
        problems.filter((one) => given[one] !== undefined),
        mails,
      ),
    );
  },
  purge: ({ transfers }, id) => transfers.purge(id),
  restore: ({ transfers }, id) => transfers.restore(id),
};

export type Form = Readonly<Record<string, string | undefined>>;

/** Thrown for a value of a form that cannot be used. */
export class FormError extends Error {
  override readonly name = 'FormError';
}

/** @throws FormError for anything but a whole number between the two */
export function numberIn(text: string | undefined, least: number, most: number): number {
  const number = Number(text);
  if (text !== undefined && /^-?\d{1,9}$/.test(text) && number >= least && number <= most) return number;
  throw new FormError(`got ${text || 'nothing'}, expected a whole number from ${least} to ${most}`);
}

/** @throws FormError for anything but one of them */
function oneOf(known: readonly string[], text: string): string {
  if (known.includes(text)) return text;
  throw new FormError(`got ${text || 'nothing'}, expected one of ${known.join(', ')}`);
}
