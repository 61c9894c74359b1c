import type { ServerClock } from './clock.ts';
import { type Fields, parseFields, selectFields } from './fields.ts';
import type { Switches } from './switches.ts';
import type { Transfer } from './transfer.ts';

export interface Presentation {
  readonly clock: ServerClock;
  readonly switches: Readonly<Switches>;
}

/** Default of `fields` in listings, from the vendor's page on transfer polling. */
export const defaultFields: Fields = parseFields(
  'trackingId,status(sender(email),recipients,state),transfer(recipients)',
);

/** Milliseconds from sending to expiration. */
const retention = 30 * 86_400_000;

/**
 * Builds the answer of the Transfer Status endpoint, with some of the properties of the REST API 1.8 document.
 * Confidential values read `confidential-…`, so that tests can search for leaks.
 */
export function transferModel({ trackingId, number, sender, recipients, state, sentAt }: Transfer, at: Presentation) {
  const fileId = `F${String(number).padStart(9, '0')}`;
  const mails = (wanted: string) => recipients.filter(({ kind }) => kind === wanted).map(({ mail }) => ({ mail }));
  return {
    trackingId,
    status: {
      state: at.switches.stateSpelling === 'prose' ? inProse(state) : state,
      sender: { email: sender },
      files: [{ id: fileId, removed: state === 'FAILED' }],
      recipients: recipients.map(({ id, mail }) => ({
        id,
        mail,
        downloadUrl: `https://cryptshare.example.com/confidential-download?id=${id}`,
      })),
    },
    transfer: {
      sender: { name: 'confidential-sender-name', phone: 'confidential-phone' },
      recipients: { to: mails('to'), cc: mails('cc'), bcc: mails('bcc') },
      expirationDate: at.clock.format(sentAt + retention),
      securityMode: { name: 'ONE_TIME_PASSWORD', config: { password: 'confidential-password' } },
      notificationMessage: { subject: 'confidential-subject', body: 'confidential-body' },
      files: [{ id: fileId, fileName: 'confidential-file-name', size: 1024 }],
    },
  };
}

/** Builds an item of sent-transfers or received-transfers. */
export function listItem(transfer: Transfer, fields: Fields, presentation: Presentation): unknown {
  const selected = selectFields(transferModel(transfer, presentation), fields);
  return presentation.switches.itemShape === 'flat' ? flattened(selected) : selected;
}

/** Builds an item of the deprecated list of sent transfers, which has no `fields`. */
export function deprecatedListItem(transfer: Transfer, presentation: Presentation): unknown {
  const { trackingId, status } = transferModel(transfer, presentation);
  const href = `/api/users/${encodeURIComponent(transfer.sender)}/transfers/${trackingId}`;
  return { trackingId, state: status.state, recipients: status.recipients, href };
}

const inProse = (state: string) => state.charAt(0).toUpperCase() + state.slice(1).toLowerCase();

function flattened(item: unknown): unknown {
  const { status, transfer, ...rest } = item as { status?: object; transfer?: object };
  return { ...rest, ...transfer, ...status };
}
