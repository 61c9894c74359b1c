/**
 * What a bill depends on and no benchmark on this machine can measure. Change them here to what CloudWatch shows of your
 * own installation.
 */
export const assumptions = {
  /** Days of a month. */
  days: 30,
  /** Bytes of a page of 100 transfers. */
  pageBytes: 10_000,
  /** Bytes of a request for a page, with its headers and what TLS and TCP add. */
  requestBytes: 700,
  /** Bytes of a webhook's request, likewise. */
  webhookBytes: 1500,
  /** Bytes of a publication at SNS, likewise. */
  publicationBytes: 2500,
  /** Milliseconds of a poll's invocation beside its watches: registry, taking the shard, metrics, log. */
  pollOverhead: 40,
  /** Milliseconds of a watch beside listing it: one query. */
  watchOverhead: 10,
  /** Milliseconds that a change adds to a poll: claim, commit, two publications, settling. */
  changeDuration: 100,
  /** Milliseconds of an invocation of fan-out. */
  fanOutDuration: 60,
  /** Milliseconds of an invocation of deliver, 150 of them waiting for the receiver. */
  deliverDuration: 250,
  /** Milliseconds of an invocation of sweep that finds nothing. */
  sweepDuration: 100,
  /** Memory in MB for which Lambda gives a whole CPU, taken to be as fast as one of the machine that measured. */
  memoryOfOneCpu: 1769,
  /** Part of a minute that a shard's poll of what is due at a tick is to take at most. */
  fullShard: 0.8,
  /** Receive calls of Lambda in a month at a queue in which nothing is. */
  idleReceives: 650_000,
  /** Seconds after which a function reads its secret again. */
  secretAge: 300,
  /** Bytes that Lambda itself logs of an invocation (START, END and REPORT), CloudWatch's 26 for each line included. */
  platformLog: 340,
  /** Part of their size that logs are kept at, compressed. */
  logCompression: 0.15,
  /** Bytes of a transfer's row, DynamoDB's 100 for each row included. */
  transferBytes: 260,
  /** Bytes of an event's row. */
  eventBytes: 1000,
  /** Bytes of a delivery with its attempt and its places in the indexes. */
  deliveryBytes: 1200,
} as const;
