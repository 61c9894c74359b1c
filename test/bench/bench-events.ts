import { type TransferEvent, transferEvent } from '#functions/events/transfer-event.ts';

/** As many events as asked for, each about a transfer of its own. */
export const eventsOf = (name: string, count: number): TransferEvent[] =>
  Array.from({ length: count }, (_, index) => {
    const change = {
      trackingId: `${name}-${index}`,
      state: 'FAILED',
      previousState: 'ACTIVE',
      sequence: 1,
    };
    const watch = { mailbox: 'alice@example.com', direction: 'sent' } as const;
    return transferEvent('https://cryptshare.example.com', watch, change, new Date().toISOString());
  });
