/**
 * The values that a bill depends on and no benchmark on this machine can measure. Change them here to those that CloudWatch
 * shows of your own installation. Each line says what it is as `npm run bill` prints it.
 */
export const assumptions = {
  days: { value: 30, says: 'days of a month' },
  pageBytes: { value: 10_000, says: 'bytes of a page of 100 transfers' },
  packetBytes: {
    value: 285,
    says: 'bytes that TLS, TCP and IP add to a request, acknowledgements of its page included',
  },
  webhookBytes: { value: 1500, says: "bytes of a webhook's request with TLS, TCP and IP" },
  publicationBytes: { value: 2500, says: 'bytes of a publication at SNS, likewise' },
  pollOverhead: { value: 40, says: 'ms of a tick beside its watches: registry, lease, metrics, log' },
  watchOverhead: { value: 10, says: 'ms of a watch beside listing it: one query' },
  changeDuration: { value: 100, says: 'ms that a change adds to a tick: claim, commit, publication, settling' },
  fanOutDuration: { value: 60, says: 'ms of an invocation of fan-out' },
  deliverDuration: { value: 250, says: 'ms of an invocation of deliver, 150 of them waiting for the receiver' },
  gatherDuration: { value: 200, says: 'ms that gathering and mailing a digest adds to an invocation of deliver' },
  markDuration: { value: 2, says: 'ms that each event of a digest adds to it: 25 are marked at once' },
  sweepDuration: { value: 100, says: 'ms of a sweep that finds nothing' },
  sweptDuration: { value: 1, says: 'ms that each reader adds to it: 16 are examined at once' },
  memoryOfOneCpu: { value: 1769, says: 'MB for which Lambda gives a whole CPU, as fast as the one that measured' },
  fullShard: { value: 0.8, says: 'part of a minute that the polls of a tick may take' },
  idleReceives: { value: 650_000, says: 'receive calls of Lambda in a month at a queue in which nothing is' },
  batch: { value: 5, says: 'messages of a burst that share an invocation; a queue hands out ten at most' },
  secretAge: { value: 300, says: 'seconds after which a process reads its secret again' },
  keyAge: { value: 300, says: 'seconds for which SNS uses a data key, by topic and publisher' },
  platformLog: { value: 340, says: 'bytes that Lambda logs of an invocation (START, END, REPORT), if it does' },
  metricStamp: { value: 56, says: 'bytes of time and level that Lambda adds to a line of metrics, as the log is JSON' },
  logCompression: { value: 0.15, says: 'part of their size that logs are kept at' },
} as const;

/** The value of an assumption. */
export const assumed = (what: keyof typeof assumptions): number => assumptions[what].value;
