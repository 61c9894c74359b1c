import * as z from 'zod/mini';
import { deliveryStatuses } from '#functions/webhooks/deliveries/delivery.ts';

export const direction = z.enum(['sent', 'received'], 'expected sent or received');

export const flag = z.enum(['true', 'false']);

export const deliveryStatus = z.enum(deliveryStatuses);

export const trackingId = z.string().check(z.regex(/^[\x21-\x7e]{1,200}$/, 'expected a tracking id'));

export const eventId = z.string().check(z.regex(/^[\x21-\x7e]{1,200}$/, 'expected the id of an event'));

/** Instants before and after every event. */
export const always = '1970-01-01T00:00:00.000Z';
export const never = '9999-12-31T23:59:59.999Z';

const firstInstant = Date.parse('0000-01-01T00:00:00.000Z');
const expectedTime = 'expected a time such as 2026-11-24T00:00:00Z';

/** ISO 8601 with a zone; the schema of zod for it takes 2 KB of a bundle. */
const timeForm = /^\d{4}-\d\d-(?:[0-2]\d|3[01])T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

/** An ISO 8601 time with zone. Its year in UTC has four digits, otherwise it would not sort as text. */
export const time = z
  .string(expectedTime)
  .check(z.regex(timeForm, expectedTime))
  .check(z.refine((text) => Date.parse(text) >= firstInstant && Date.parse(text) <= Date.parse(never), expectedTime))
  // JavaScript takes 30 February for 2 March.
  .check(z.refine((text) => new Date(text.slice(0, 10)).getUTCDate() === Number(text.slice(8, 10)), expectedTime));

/** @example iso(0) // '1970-01-01T00:00:00.000Z' */
export const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** From one time to before another, in the form of tables, which sorts as text; by default all times. */
export const spanOf = ({ from = always, until = never }: { from?: string | undefined; until?: string | undefined }) => {
  return { from: new Date(from).toISOString(), until: new Date(until).toISOString() };
};
