import type { WatchResource } from '#infra/cli/api/resources.ts';

/** `what is sent by alice@example.com`. */
export const watchWords = ({ mailbox, direction }: Pick<WatchResource, 'mailbox' | 'direction'>): string =>
  `what is ${direction} by ${mailbox}`;
