import type { Direction } from '#functions/transfers/transfer.ts';
import type { SharedParts } from './clock.ts';
import { type Fields, parseFields, selectFields } from './fields.ts';
import type { Switches } from './switches.ts';
import type { Recipient, Transfer } from './transfer.ts';

type Presentation = Pick<SharedParts, 'clock' | 'switches'>;

/** Default of `fields` in listings, from the vendor's page on transfer polling. */
export const defaultFields: Fields = parseFields(
  'trackingId, status(sender(email), recipients, state), transfer(recipients)',
);

/**
 * Builds the answer of the Transfer Status endpoint (REST API 1.8 document). It lacks `notificationMailLink`, which the
 * server filters out of every answer. Confidential values read `confidential-…`, so that tests can search for leaks.
 */
export function transferModel(transfer: Transfer, presentation: Presentation) {
  return {
    trackingId: transfer.trackingId,
    status: statusOf(transfer, presentation),
    transfer: detailsOf(transfer, presentation),
  };
}

type TransferModel = ReturnType<typeof transferModel>;

/** Builds an item of sent-transfers or received-transfers, as `mailbox` sees it. */
export function listItem(
  transfer: Transfer,
  { mailbox, direction, fields }: { mailbox: string; direction: Direction; fields: Fields },
  presentation: Presentation,
): unknown {
  const model = transferModel(transfer, presentation);
  const visible = direction === 'received' ? redactedFor(mailbox, model) : model;
  const selected = selectFields(inListShape(visible, presentation.switches), fields);
  return presentation.switches.itemShape === 'flat' ? flattened(selected) : selected;
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
  const recipient = (kind: Recipient['kind']): Recipient => ({
    id: 'sample',
    mail: 'sample',
    kind,
    downloads: [{ at: now, method: 'VIEWED' }],
  });
  const sample: Transfer = {
    trackingId: 'sample',
    number: 0,
    sentAt: now,
    recipients: [recipient('to'), recipient('cc'), recipient('bcc')],
    sender: 'sample',
    state: 'ACTIVE',
    expiresAt: now,
    purged: false,
  };
  return inListShape(transferModel(sample, presentation), presentation.switches);
}

function statusOf(transfer: Transfer, { clock, switches }: Presentation) {
  const failed = transfer.state === 'FAILED';
  return {
    state: switches.stateSpelling === 'prose' ? inProse(transfer.state) : transfer.state,
    warnings: failed,
    emlCreationFailed: false,
    sender: { email: transfer.sender, notificationFailed: false },
    files: [{ id: fileIdOf(transfer), removed: failed, removalCause: failed ? 'SIMULATED' : null }],
    recipients: transfer.recipients.map(({ id, mail, downloads }) => ({
      id,
      mail,
      downloadUrl: `https://cryptshare.example.com/confidential-download?id=${id}`,
      notificationFailed: false,
      fileDownloads: [
        {
          id: fileIdOf(transfer),
          downloads: downloads.map(({ at, method }) => ({ downloadDate: clock.format(at), retrievalMethod: method })),
        },
      ],
    })),
  };
}

function detailsOf(transfer: Transfer, { clock }: Presentation) {
  const fileId = fileIdOf(transfer);
  const mails = (wanted: Recipient['kind']) =>
    transfer.recipients.filter(({ kind }) => kind === wanted).map(({ mail }) => ({ mail }));
  return {
    sender: { name: 'confidential-sender-name', phone: 'confidential-phone' },
    recipients: { to: mails('to'), cc: mails('cc'), bcc: mails('bcc') },
    expirationDate: clock.format(transfer.expiresAt),
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
    files: [
      {
        id: fileId,
        fileName: 'confidential-file-name',
        size: 1024,
        checksum: 'simulated-checksum',
        state: transfer.state === 'FAILED' ? 'REMOVED' : 'ACTIVE',
        href: `/api/transfers/${transfer.recipients[0]?.id}/files/${fileId}`,
      },
    ],
  };
}

const fileIdOf = ({ number }: Transfer) => `F${String(number).padStart(9, '0')}`;

const inProse = (state: string) => state.charAt(0).toUpperCase() + state.slice(1).toLowerCase();

/**
 * Removes the download links and file ids of other recipients. The transfer's own file ids stay if the verified address
 * is a recipient (vendor's page on transfer polling). This is always true here.
 */
function redactedFor(mailbox: string, model: TransferModel) {
  const recipients = model.status.recipients.map((recipient) => {
    if (recipient.mail === mailbox) return recipient;
    const { downloadUrl: _, fileDownloads, ...rest } = recipient;
    return { ...rest, fileDownloads: fileDownloads.map(({ downloads }) => ({ downloads })) };
  });
  return { ...model, status: { ...model.status, recipients } };
}

function inListShape(
  { trackingId, status, transfer }: TransferModel | ReturnType<typeof redactedFor>,
  { fileDownloadsInLists, itemShape }: Readonly<Switches>,
) {
  const recipients = fileDownloadsInLists
    ? status.recipients
    : status.recipients.map(({ fileDownloads: _, ...recipient }) => recipient);
  return itemShape === 'swapped-recipients'
    ? { trackingId, status: { ...status, recipients: transfer.recipients }, transfer: { ...transfer, recipients } }
    : { trackingId, status: { ...status, recipients }, transfer };
}

function flattened(item: unknown): unknown {
  const { status, transfer, ...rest } = item as { status?: object; transfer?: object };
  return { ...rest, ...transfer, ...status };
}
