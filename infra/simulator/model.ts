import type { Direction } from '#functions/transfers/transfer.ts';
import { type Fields, parseFields, selectFields } from '#infra/simulator/protocol/fields.ts';
import {
  fileIdsOf,
  type Presentation,
  recipientModels,
  redactedRecipient,
  visibleRecipients,
} from './recipient-model.ts';
import { noProblems, type Recipient, type RecipientKind, type Transfer } from './transfer.ts';

/** Default of `fields` in listings, from the vendor's page on transfer polling. */
export const defaultFields: Fields = parseFields(
  'trackingId, status(sender(email), recipients, state), transfer(recipients)',
);

/**
 * Builds all that the server can say about a transfer (REST API 1.8 document). It lacks `notificationMailLink`, which
 * the server filters out of every answer. Confidential values read `confidential-…`, so that tests can search for leaks.
 */
function transferModel(transfer: Transfer, presentation: Presentation) {
  return {
    trackingId: transfer.trackingId,
    status: statusOf(transfer, presentation),
    transfer: detailsOf(transfer, presentation),
  };
}

type TransferModel = ReturnType<typeof transferModel>;

/** Transfer as an answer shows it, with fewer properties of its recipients. */
interface VisibleModel extends Omit<TransferModel, 'status'> {
  readonly status: Omit<TransferModel['status'], 'recipients'> & {
    readonly recipients: readonly Partial<TransferModel['status']['recipients'][number]>[];
  };
}

/** View of a listing: its owner, the requested properties and the page, counted from 1. */
interface ListView {
  readonly mailbox: string;
  readonly direction: Direction;
  readonly fields: Fields;
  readonly page: number;
}

/** Builds the answer of the Transfer Status endpoint. */
export function statusAnswer(found: Transfer, presentation: Presentation) {
  const { status, transfer } = transferModel(found, presentation);
  return { status: presentation.switches.detailsInStatus ? status : withoutDetails(status), transfer };
}

/** Builds an item of sent-transfers or received-transfers, as `mailbox` sees it. */
export function listItem(transfer: Transfer, view: ListView, presentation: Presentation): unknown {
  const { mailbox, direction, fields, page } = view;
  const { itemShape, rowPaddingBytes } = presentation.switches;
  const visible =
    direction === 'received' ? receivedModel(transfer, mailbox, presentation) : transferModel(transfer, presentation);
  const selected = selectFields(inListShape(visible, page, presentation), fields);
  const item = itemShape === 'flat' ? flattened(selected) : selected;
  const isPadded = rowPaddingBytes > 0 && (fields.status === true || fields.status?.recipients !== undefined);
  return isPadded ? { ...(item as object), padding: 'x'.repeat(rowPaddingBytes) } : item;
}

/** Builds an item of the deprecated list of sent transfers, which has no `fields`. */
export function deprecatedListItem(transfer: Transfer, presentation: Presentation): unknown {
  const { trackingId, status } = transferModel(transfer, presentation);
  const href = `/api/users/${encodeURIComponent(transfer.sender)}/transfers/${trackingId}`;
  return { trackingId, state: status.state, recipients: status.recipients, href };
}

/** Builds an item with all properties, whose names are those that clients can select. */
export function sampleListItem(presentation: Presentation): unknown {
  const now = presentation.clock.now();
  const recipient = (kind: RecipientKind): Recipient => ({
    id: 'sample',
    mail: 'sample',
    kind,
    downloads: [{ file: 1, at: now, method: 'VIEWED' }],
    notificationFailed: false,
  });
  const sample: Transfer = {
    trackingId: 'sample',
    number: 0,
    sentAt: now,
    files: 1,
    recipients: [recipient('to'), recipient('cc'), recipient('bcc')],
    vanished: [],
    sender: 'sample',
    state: 'ACTIVE',
    expiresAt: now,
    problems: noProblems,
    purged: false,
  };
  return inListShape(transferModel(sample, presentation), 1, presentation);
}

function statusOf(transfer: Transfer, presentation: Presentation) {
  const { state, sender, problems } = transfer;
  const { stateSpelling, warnings } = presentation.switches;
  const failed = state === 'FAILED';
  const texts = failed ? ['SIMULATED', ...problems.warnings] : problems.warnings;
  return {
    state: stateSpelling === 'prose' ? inProse(state) : state,
    warnings: warnings === 'array' ? texts : texts.length > 0,
    emlCreationFailed: problems.messageNotCreated,
    sender: { email: sender, notificationFailed: problems.senderNotNotified },
    files: fileIdsOf(transfer).map((id, index) => {
      const removed = isRemoved(transfer, index + 1);
      return { id, removed, removalCause: removed ? 'SIMULATED' : null };
    }),
    recipients: recipientModels(transfer, presentation),
  };
}

function detailsOf(transfer: Transfer, presentation: Presentation) {
  const mails = (wanted: RecipientKind) =>
    transfer.recipients.filter(({ kind }) => kind === wanted).map(({ mail }) => ({ mail }));
  return {
    sender: { name: 'confidential-sender-name', phone: 'confidential-phone' },
    recipients: { to: mails('to'), cc: mails('cc'), bcc: mails('bcc') },
    ...expiryOf(transfer, presentation),
    securityMode: {
      name: 'ONE_TIME_PASSWORD',
      config: { passwordMode: 'GENERATED', password: 'confidential-password' },
    },
    notificationMessage: { subject: 'confidential-subject', body: 'confidential-body' },
    senderLanguage: 'en',
    recipientLanguage: 'en',
    sendUploadSummary: true,
    sendDownloadSummary: true,
    sendDownloadNotifications: true,
    sendRecipientNotification: true,
    showFileNames: true,
    showZipFileContent: true,
    fileChecksumAlgorithm: 'SHA256',
    classificationId: 1,
    confidentialMessageFileId: `M${String(transfer.number).padStart(9, '0')}`,
    files: fileIdsOf(transfer).map((id, index) => ({
      id,
      fileName: 'confidential-file-name',
      size: 1024,
      checksum: 'simulated-checksum',
      state: isRemoved(transfer, index + 1) ? 'REMOVED' : 'ACTIVE',
      href: `/api/transfers/${transfer.recipients[0]?.id}/files/${id}`,
    })),
  };
}

function expiryOf({ expiresAt }: Transfer, { clock, switches }: Presentation): { expirationDate?: string | null } {
  switch (switches.expirationDates) {
    case 'usual':
      return { expirationDate: expiresAt === null ? null : clock.format(expiresAt) };
    case 'malformed':
      return { expirationDate: 'in a month' };
    case 'null':
      return { expirationDate: null };
    case 'missing':
      return {};
  }
}

/** True for a file that a virus check or file filter has removed; of a failed transfer these are all. */
const isRemoved = ({ state, problems }: Transfer, file: number): boolean =>
  state === 'FAILED' || problems.removedFiles.includes(file);

const inProse = (state: string) => state.charAt(0).toUpperCase() + state.slice(1).toLowerCase();

/**
 * Builds what a recipient sees. The transfer's own file ids stay if the verified address is a recipient (vendor's page
 * on transfer polling). This is always true here.
 */
function receivedModel(transfer: Transfer, mailbox: string, presentation: Presentation): VisibleModel {
  const { switches } = presentation;
  const recipients = visibleRecipients(transfer.recipients, mailbox, switches);
  const { status, ...model } = transferModel({ ...transfer, recipients }, presentation);
  const redacted = status.recipients.map((recipient) => redactedRecipient(recipient, mailbox, switches));
  return { ...model, status: { ...status, recipients: redacted } };
}

/** Keeps the properties that the vendor's page on transfer polling names. */
function withoutDetails({ state, sender, recipients }: VisibleModel['status']) {
  const named = recipients.map(({ fileDownloads: _, notificationFailed: __, ...recipient }) => recipient);
  return { state, sender: { email: sender.email }, recipients: named };
}

function withoutDownloads(status: VisibleModel['status']) {
  return { ...status, recipients: status.recipients.map(({ fileDownloads: _, ...recipient }) => recipient) };
}

function inListShape({ trackingId, status, transfer }: VisibleModel, page: number, { switches }: Presentation) {
  const shown = {
    all: () => status,
    'no-downloads': () => withoutDownloads(status),
    none: () => withoutDetails(status),
    'odd-pages': () => (page % 2 === 1 ? status : withoutDetails(status)),
  }[switches.detailsInLists]();
  if (switches.itemShape !== 'swapped-recipients') return { trackingId, status: shown, transfer };
  const { recipients } = shown;
  return { trackingId, status: { ...shown, recipients: transfer.recipients }, transfer: { ...transfer, recipients } };
}

function flattened(item: unknown): unknown {
  const { status, transfer, ...rest } = item as { status?: object; transfer?: object };
  return { ...rest, ...transfer, ...status };
}
