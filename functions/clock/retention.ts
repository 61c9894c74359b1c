export const dayMs = 86_400_000;

/** Milliseconds for which a row is kept unless the configuration says otherwise. */
export const usualKeptForMs = 30 * dayMs;

/** Unix time in seconds after which DynamoDB deletes a row of an instant in Unix milliseconds. */
export const expiryOf = (at: number, keptForMs: number): number => Math.floor((at + keptForMs) / 1000);

/** @example daysText(86_400_000) // '1 day' */
export const daysText = (milliseconds: number): string =>
  `${milliseconds / dayMs} ${milliseconds === dayMs ? 'day' : 'days'}`;
