import { addressKey } from '#functions/transfers/address-key.ts';
import { hash } from '#functions/transfers/digest.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';

/** Number of places; a place is a whole number below it. */
const places = 2 ** 32;

/** Place of a watch: a hash that both directions and all spellings of a mailbox share. */
export const placeOf = ({ mailbox }: Pick<Watch, 'mailbox'>): number => hash(addressKey(mailbox)).high >>> 0;

/** Shard of a watch; it changes only with the number of shards. */
export const shardOf = (watch: Watch, { shards }: { readonly shards: number }): number =>
  Math.floor((placeOf(watch) * shards) / places);

/** First and last place of a shard, all of one size. @example placesOf(1, 2) // [0x80000000, 0xffffffff] */
export function placesOf(shard: number, shards: number): [first: number, last: number] {
  const firstOf = (which: number) => Math.ceil((which * places) / shards);
  return [firstOf(shard), firstOf(shard + 1) - 1];
}

const keyOfPlace = (place: number): string => place.toString(16).padStart(8, '0');

/** Sort key of a watch in the registry: `<its place, 8 hex digits>#<direction>#<mailbox>`. */
export const registryKey = (watch: Watch): string => `${keyOfPlace(placeOf(watch))}#${watchKey(watch)}`;

/** Sort keys around these places: `$` follows `#`. @example rangeOfPlaces(0, 1) // ['00000000#', '00000001$'] */
export const rangeOfPlaces = (first: number, last: number): [from: string, to: string] => [
  `${keyOfPlace(first)}#`,
  `${keyOfPlace(last)}$`,
];
