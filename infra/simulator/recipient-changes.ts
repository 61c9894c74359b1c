import type { Recipient, RecipientKind, Transfer } from './transfer.ts';

/** Change of the recipients that the server shows, which no document describes. Recipients are named by address. */
export type RecipientChange =
  /** A recipient that the transfer did not have; `id` may be that of another recipient. */
  | { readonly kind: 'appear'; readonly mail: string; readonly as?: RecipientKind; readonly id?: string | undefined }
  | { readonly kind: 'vanish'; readonly mail: string }
  /** A vanished recipient comes back with its id and downloads, as the last in the list. */
  | { readonly kind: 'return'; readonly mail: string }
  /** Another address, as after a deletion of user data; `newId` gives another id, too. */
  | { readonly kind: 'rename'; readonly mail: string; readonly newMail: string; readonly newId?: boolean };

type Recipients = Pick<Transfer, 'recipients' | 'vanished'>;

/**
 * Computes the recipients after a change; undefined when no recipient has the address.
 *
 * @param nextId makes the id of a new recipient
 */
export function recipientsAfter(
  { recipients, vanished }: Recipients,
  change: RecipientChange,
  nextId: () => string,
): Recipients | undefined {
  const { mail } = change;
  const hasMail = (recipient: Recipient) => recipient.mail === mail;
  const others = (list: readonly Recipient[]) => list.filter((recipient) => !hasMail(recipient));
  if (change.kind === 'appear') {
    const { as: kind = 'to', id = nextId() } = change;
    const recipient: Recipient = { id, mail, kind, downloads: [], notificationFailed: false };
    return { recipients: [...recipients, recipient], vanished };
  }
  if (change.kind === 'return') {
    const back = vanished.filter(hasMail);
    return back.length > 0 ? { recipients: [...recipients, ...back], vanished: others(vanished) } : undefined;
  }
  const affected = recipients.filter(hasMail);
  if (affected.length === 0) return undefined;
  if (change.kind === 'vanish') return { recipients: others(recipients), vanished: [...vanished, ...affected] };
  const renamed = (recipient: Recipient) =>
    hasMail(recipient) ? { ...recipient, mail: change.newMail, id: change.newId ? nextId() : recipient.id } : recipient;
  // The log of the former address still lists the transfer.
  return { recipients: recipients.map(renamed), vanished: [...vanished, ...affected] };
}
