import { type TransferEvent, transferEvent } from '#functions/events/transfer-event.ts';

/**
 * Makes events, each about a transfer of its own.
 *
 * @param name begins their tracking ids
 */
export const eventsOf = (name: string, count: number, state = 'FAILED'): TransferEvent[] =>
  Array.from({ length: count }, (_, index) => {
    const change = { trackingId: `${name}-${index}`, state, previousState: 'PROCESSING', sequence: 1 };
    const watch = { mailbox: 'alice@example.com', direction: 'sent' } as const;
    return transferEvent('https://cryptshare.example.com', watch, change, new Date().toISOString());
  });
