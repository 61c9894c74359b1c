/**
 * Begin of the ids of all events that only test a receiver. Their form is that of all ids, so no receiver refuses them.
 * Real ids are hashes, of which one in 2^41 begins so.
 */
export const testIdPrefix = 'evt_0000test';

/** Header of requests that only test a receiver; its value is the command that has made the event. */
export const testHeader = 'transfer-notifier-test';
