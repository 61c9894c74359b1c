import { losesAll, type Safety } from './approach.ts';
import { type MonthlyCost, polls, transfers } from './monthly-cost.ts';

const name = 'object in S3';

/** US dollars per million requests to S3 Standard in us-east-1, as published in November 2026. */
const price = { get: 0.4, put: 5 };

/**
 * The listing as one object in S3, read by each poll and put by each that finds a change. Reckoned from its requests alone,
 * not measured: nothing stands in for S3 here, and its CPU is that of the compressed item.
 */
export const objectInS3: Safety & { readonly month: MonthlyCost } = {
  name,
  limit: 'memory',
  loses: losesAll,
  month: {
    approach: name,
    read: polls,
    write: transfers,
    dollars: (polls * price.get + transfers * price.put) / 1e6,
  },
};
