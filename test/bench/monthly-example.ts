import { monthlyUse } from './monthly-use.ts';
import type { Deployed, Installation, MeasuredUse } from './use.ts';

/** One watch with the ordinary settings but for four requests at once. */
export const installation: Installation = {
  name: 'one watch',
  watches: 1,
  transfers: 1000,
  activeShare: 0.05,
  every: 1,
  fullListingEvery: 1,
  pagesAtOnce: 4,
  pageLatency: 100,
  clientIdLength: 50,
  changes: 1000,
  changingHours: 720,
  together: 1,
  endpoints: 1,
  chats: 0,
  emails: 0,
};

/** As if it had been measured, in round figures. */
export const measured: MeasuredUse = {
  polls: {
    tick: { read: 1, write: 0 },
    busyTick: { read: 0, write: 2 },
    all: { read: 1, write: 0, requests: 11, cpu: 14, change: { read: 2, write: 5, requests: 0 } },
    active: { read: 0.5, write: 0, requests: 1, cpu: 2, change: { read: 3, write: 5, requests: 2 } },
  },
  registry: { own: 0.03, others: 0 },
  webhooks: {
    alone: {
      unwanted: { read: 1, write: 2 },
      event: { read: 1, write: 1 },
      creation: { read: 0, write: 3 },
      delivery: { read: 4, write: 6 },
    },
    burst: {
      unwanted: { read: 0.2, write: 2 },
      event: { read: 0.2, write: 1 },
      creation: { read: 0, write: 1 },
      delivery: { read: 1, write: 2 },
    },
    notice: { read: 1, write: 0 },
    sweep: { read: 3, write: 0 },
  },
  stored: { transfer: 300, event: 900, delivery: 800 },
  logs: { tick: 500, quiet: 0, changed: 700, fanOut: 800, deliver: 400, delivery: 600, sweep: 800 },
  metrics: { always: 3, changing: 4 },
  requestBytes: 440,
};

export const deployed: Deployed = {
  memory: { poll: 512, fanOut: 256, deliver: 512, sweep: 256 },
  listenedQueues: 2,
  noticesAreFiltered: true,
  platformLog: 340,
  secrets: 1,
  dashboards: 1,
  alarmMetrics: 18,
};

/** What an installation uses in a month that differs in something. */
export const useOf = (changed: Partial<Installation>) =>
  monthlyUse({ ...installation, ...changed }, measured, deployed);
export const quantitiesOf = (changed: Partial<Installation>) => useOf(changed).quantities;
