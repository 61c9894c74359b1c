import { addressKey } from '#functions/transfers/address-key.ts';
import { hash } from '#functions/transfers/digest.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';

/** Places of watches are whole numbers below this one. */
const places = 2 ** 32;

/** The place of a watch among all: a hash that all spellings of a mailbox share, in both of its directions. */
export const placeOf = ({ mailbox }: Pick<Watch, 'mailbox'>): number => hash(addressKey(mailbox)).high >>> 0;

/** The shard of a watch, the same for as long as the number of shards is. */
export const shardOf = (watch: Watch, { shards }: { readonly shards: number }): number =>
  Math.floor((placeOf(watch) * shards) / places);

/** First and last place of a shard: shards divide the places evenly, whatever their number. */
export function placesOf(shard: number, shards: number): [first: number, last: number] {
  const firstOf = (which: number) => Math.ceil((which * places) / shards);
  return [firstOf(shard), firstOf(shard + 1) - 1];
}

const keyOfPlace = (place: number): string => place.toString(16).padStart(8, '0');

/** Sort key of a watch in the registry: `<its place, 8 hex digits>#<direction>#<mailbox>`. */
export const registryKey = (watch: Watch): string => `${keyOfPlace(placeOf(watch))}#${watchKey(watch)}`;

/** First and last sort key of the watches from one place to another: `$` is the character after `#`. */
export const rangeOfPlaces = (first: number, last: number): [from: string, to: string] => [
  `${keyOfPlace(first)}#`,
  `${keyOfPlace(last)}$`,
];
