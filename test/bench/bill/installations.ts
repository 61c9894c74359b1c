/** An installation with what happens there. */
export interface Installation {
  readonly name: string;
  readonly watches: number;
  /** Transfers of each watch. */
  readonly transfers: number;
  /** Part of them that is active. */
  readonly activeShare: number;
  /** Minutes between two polls of a watch. */
  readonly every: number;
  /** One of this number of polls of a watch lists all of its transfers, the others list the active ones. */
  readonly fullListingEvery: number;
  /** Minutes between two polls of a watch that has not changed for an hour; as all watches, if undefined. */
  readonly quietEvery?: number;
  /** Requests to the Cryptshare Server in flight in one shard: its part of `server.maxConcurrentPages`. */
  readonly pagesAtOnce: number;
  /** Milliseconds until a page of that server has arrived. */
  readonly pageLatency: number;
  /** Letters and digits of the client id, which each request carries. */
  readonly clientIdLength: number;
  /** Changes of transfers in a month, of each watch. */
  readonly changes: number;
  /** Hours of a month over which these changes spread evenly. */
  readonly changingHours: number;
  /** Changes that one poll finds and announces. */
  readonly together: number;
  /** Endpoints that want every event. */
  readonly endpoints: number;
  /** Readers by e-mail, who share the mailboxes evenly: each event is told to one of them. */
  readonly readers: number;
  /** True if they get messages at once, false for a digest each day. */
  readonly isAtOnce: boolean;
}

/**
 * The usual settings: the shortest client id there is, separate changes at any hour, one endpoint that wants every
 * event, and no reader. Changes at the same time would cost less.
 */
export const ordinary = {
  activeShare: 0.05,
  every: 1,
  fullListingEvery: 1,
  pagesAtOnce: 16,
  pageLatency: 100,
  clientIdLength: 50,
  changingHours: 720,
  together: 1,
  endpoints: 1,
  readers: 0,
  isAtOnce: false,
};

const one = { ...ordinary, watches: 1, transfers: 1000, changes: 1000 };
const hundred = { ...ordinary, watches: 100, transfers: 10_000, changes: 10_000 };
const tenThousand = { ...ordinary, watches: 10_000, transfers: 1000, changes: 1000 };

/** The installations of every run: each transfer changes once a month. */
export const installations: readonly Installation[] = [
  { name: 'one watch', ...one },
  { name: '100 watches', ...hundred },
  { name: '100 watches, full listings 1 of 10', ...hundred, fullListingEvery: 10 },
  { name: '10,000 watches', ...tenThousand },
  { name: '10,000 watches, full listings 1 of 10', ...tenThousand, fullListingEvery: 10 },
];

/** The last of them, then the same with one thing changed. */
export const variants: readonly Installation[] = Object.entries<Partial<Installation>>({
  '10,000 × 1,000, 1 min, 1 of 10': {},
  'client id of 500 letters': { clientIdLength: 500 },
  'client id of 4000 letters': { clientIdLength: 4000 },
  'quiet ones every 15 min; 1,000 changes each': { quietEvery: 15 },
  'quiet ones every 15 min; 100 changes each': { quietEvery: 15, changes: 100 },
  'every minute all the same; 100 changes each': { changes: 100 },
  'every 5 min': { every: 5 },
  'changes in bursts of 100': { together: 100 },
  '500 readers, a digest each day': { readers: 500 },
  '500 readers, messages at once': { readers: 500, isAtOnce: true },
  'three endpoints': { endpoints: 3 },
  'four requests at once in a shard': { pagesAtOnce: 4 },
  'a page takes 300 ms': { pageLatency: 300 },
}).map(([name, changed]) => ({ name, ...tenThousand, fullListingEvery: 10, ...changed }));

/** An installation for 500 people: each watches a mailbox of 1,000 transfers, of which one in five changes in a month. */
const fiveHundred: Installation = {
  ...ordinary,
  ...{ name: 'no reader', watches: 500, transfers: 1000, changes: 200, every: 5, fullListingEvery: 10 },
};

/** The same with readers: first without any, so that the difference is what they cost. */
export const withReaders: readonly Installation[] = [
  fiveHundred,
  ...[1, 20, 500].map((readers) => ({
    ...fiveHundred,
    name: `${readers} ${readers === 1 ? 'reader' : 'readers'}, daily`,
    readers,
  })),
  { ...fiveHundred, name: '500 readers, at once', readers: 500, isAtOnce: true },
];
