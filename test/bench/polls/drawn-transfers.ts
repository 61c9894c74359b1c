import { hash } from '#functions/transfers/digest.ts';

/** A mailbox whose transfers are drawn at random; the same drawing gives the same transfers. */
export interface Drawing {
  readonly seed: number;
  readonly transfers: number;
  /** Each transfer is active by chance, exactly this part of all is, or all are. */
  readonly active: { readonly chance: number } | { readonly part: number } | 'all';
}

/** A transfer as a sender may have made it, and as its recipients may have met it. */
export interface DrawnTransfer {
  readonly isActive: boolean;
  /** Number of recipients, from 1 to 5. */
  readonly recipients: number;
  /** Number of files, from 1 to 10. */
  readonly files: number;
  /** Hours until its end. None is near the two days from which a transfer is overdue, so time brings no news. */
  readonly endsInHours: number;
  /** Files that recipients have fetched, both by their numbers from 1. */
  readonly downloads: readonly { readonly recipient: number; readonly file: number; readonly method: string }[];
  /** True when the server could not notify the first recipient. */
  readonly isProblem: boolean;
}

/** Draws the transfers of a mailbox. */
export const drawTransfers = ({ seed, transfers, active }: Drawing): DrawnTransfer[] =>
  Array.from({ length: transfers }, (_, index) => {
    const chance = (...what: (string | number)[]) => (hash([seed, index, ...what].join()).low >>> 0) / 2 ** 32;
    const from1To = (most: number, what: string) => 1 + Math.floor(most * chance(what));
    const recipients = from1To(5, 'recipients');
    const files = from1To(10, 'files');
    const fetched = numbersTo(recipients).filter((recipient) => chance('fetches', recipient) < 0.5);
    return {
      isActive: isActive(active, index, chance('active')),
      recipients,
      files,
      endsInHours: 24 * from1To(30, 'end') - 12,
      downloads: fetched.flatMap((recipient) =>
        numbersTo(files)
          .filter((file) => file === 1 || chance('file', recipient, file) < 0.5)
          .map((file) => ({
            recipient,
            file,
            method: chance('method', recipient, file) < 0.2 ? 'VIEWED' : 'DOWNLOADED',
          })),
      ),
      isProblem: chance('problem') < 0.02,
    };
  });

const numbersTo = (most: number): number[] => Array.from({ length: most }, (_, index) => index + 1);

function isActive(active: Drawing['active'], index: number, drawn: number): boolean {
  if (active === 'all') return true;
  if ('chance' in active) return drawn < active.chance;
  return Math.floor((index + 1) * active.part) > Math.floor(index * active.part);
}
