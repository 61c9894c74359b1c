/** Milliseconds for which events, deliveries, attempts and tasks are kept: operators can repeat them for 30 days. */
export const keptForMs = 30 * 86_400_000;

/** Unix time in seconds after which DynamoDB deletes a row of an instant in Unix milliseconds. */
export const expiryOf = (at: number): number => Math.floor((at + keptForMs) / 1000);
