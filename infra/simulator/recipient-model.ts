import { addressKey } from '#functions/transfers/address-key.ts';
import type { SharedParts } from './clock.ts';
import { dayMs, type Switches } from './switches.ts';
import type { Download, Recipient, Transfer } from './transfer.ts';

export type Presentation = Pick<SharedParts, 'clock' | 'switches'>;

/** Zones of the switch `other-zones`, in minutes east of UTC. */
const otherZones = [-660, 0, 345, 840];

/** Ids of a transfer's files, in the order of their numbers. */
export const fileIdsOf = ({ number, files }: Transfer): string[] =>
  Array.from({ length: files }, (_, index) => `F${padded(number, 6)}${padded(index + 1, 3)}`);

const padded = (value: number, digits: number) => String(value).padStart(digits, '0');

/** Builds `status.recipients` of an answer, as the sender sees it (REST API 1.8 document). */
export function recipientModels(transfer: Transfer, presentation: Presentation) {
  const { switches } = presentation;
  const fileIds = fileIdsOf(transfer);
  const models = transfer.recipients.map(({ id, mail, notificationFailed, downloads }) => ({
    id,
    mail,
    downloadUrl: `https://cryptshare.example.com/confidential-download?id=${id}`,
    notificationFailed,
    fileDownloads: fileIds.map((fileId, index) => ({
      ...(switches.downloadFileIds && { id: fileId }),
      downloads: downloads.flatMap((download, place) =>
        download.file === index + 1 ? [downloadModel(download, place, presentation)] : [],
      ),
    })),
  }));
  return switches.recipientOrder === 'reversed' ? models.reverse() : models;
}

type RecipientModel = ReturnType<typeof recipientModels>[number];

function downloadModel({ at, method }: Download, place: number, { clock, switches }: Presentation) {
  const { downloadDates } = switches;
  if (downloadDates === 'missing') return { retrievalMethod: method };
  const dates = {
    usual: (time: number) => clock.format(time),
    'other-zones': (time: number) => clock.format(time, otherZones[place % otherZones.length]),
    future: (time: number) => clock.format(time + 365 * dayMs),
    malformed: () => 'yesterday',
    null: () => null,
  };
  return { downloadDate: at === null ? null : dates[downloadDates](at), retrievalMethod: method };
}

const isSame = (mail: string, other: string) => mail === other || addressKey(mail) === addressKey(other);

/** Leaves out the recipients that a recipient with this address does not see. */
export function visibleRecipients(
  recipients: readonly Recipient[],
  mailbox: string,
  { receivedRecipients, receivedBcc }: Readonly<Switches>,
): readonly Recipient[] {
  const isVisible = ({ mail, kind }: Recipient) =>
    isSame(mail, mailbox) || (receivedRecipients === 'all' && (receivedBcc || kind !== 'bcc'));
  return recipients.filter(isVisible);
}

/**
 * Removes what a recipient with this address does not see of another. These are download links and file ids (vendor's
 * page on transfer polling). Downloads go as the switches say.
 */
export function redactedRecipient(
  recipient: RecipientModel,
  mailbox: string,
  { receivedDownloads }: Readonly<Switches>,
): Partial<RecipientModel> {
  const isOwn = isSame(recipient.mail, mailbox);
  const { fileDownloads, ...rest } = recipient;
  const { downloadUrl: _, ...withoutLink } = rest;
  const hasDownloads = receivedDownloads === 'all' || (receivedDownloads === 'own' && isOwn);
  return {
    ...(isOwn ? rest : withoutLink),
    ...(hasDownloads && {
      fileDownloads: isOwn ? fileDownloads : fileDownloads.map(({ downloads }) => ({ downloads })),
    }),
  };
}
