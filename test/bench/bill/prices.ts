/** Regions whose prices are known. A further one needs a price in each list below; one that lacks a price does not compile. */
export const regions = ['us-east-1', 'eu-west-1', 'eu-central-1'] as const;

export type Region = (typeof regions)[number];

/** US dollars, on demand, first tier, without tax: one price wherever the project has looked, or one for each region. */
type Price = number | NumberForEach<typeof regions>;
type NumberForEach<List extends readonly unknown[]> = { readonly [Index in keyof List]: number };

/** One of the things that AWS charges for. */
interface Item {
  readonly service: string;
  readonly what: string;
  /** Units that the price is for. */
  readonly per: number;
  readonly price: Price;
  /**
   * Units that AWS gives every account every month for as long as it exists. They are the account's, so other workloads
   * take from them, too. The 5 GB of logs are for writing and keeping together and are counted for writing.
   */
  readonly free?: number;
}

/**
 * The items of a bill. Their prices are those of AWS's price lists
 * (`pricing.us-east-1.amazonaws.com/offers/v1.0/aws/<offer>/current/<region>`), read in public copies of them. Below is
 * the day of any region's newest copy; those of other regions are some weeks older. AmazonDynamoDB, AWSQueueService,
 * AWSSecretsManager 2026-09-11; AmazonSNS, awskms 2026-09-15; AWSDataTransfer 2026-09-16; AmazonCloudWatch 2026-09-22;
 * AWSLambda 2026-10-01; AWSEvents 2026-05-29; AmazonVPC 2026-07-24; AmazonEC2 2026-08-16. E-mails and calls of Secrets
 * Manager are taken to cost the same in eu-central-1.
 */
export const items = {
  dynamoReads: { service: 'DynamoDB', what: 'read units', per: 1e6, price: [0.125, 0.1415, 0.1525] },
  dynamoWrites: { service: 'DynamoDB', what: 'write units', per: 1e6, price: [0.625, 0.705, 0.7625] },
  dynamoStorage: { service: 'DynamoDB', what: 'GB stored', per: 1, price: [0.25, 0.283, 0.306], free: 25 },
  dynamoBackup: { service: 'DynamoDB', what: 'GB of point-in-time recovery', per: 1, price: [0.2, 0.22, 0.2448] },
  lambdaCompute: { service: 'Lambda', what: 'GB-seconds on arm64', per: 1, price: 0.0000133334, free: 400_000 },
  lambdaRequests: { service: 'Lambda', what: 'invocations', per: 1e6, price: 0.2, free: 1e6 },
  schedulerInvocations: { service: 'Scheduler', what: 'invocations', per: 1e6, price: [1, 1, 1.15], free: 14e6 },
  sqsRequests: { service: 'SQS', what: 'requests', per: 1e6, price: 0.4, free: 1e6 },
  sqsFairness: { service: 'SQS', what: 'messages of fair queues', per: 1e6, price: 0.1 },
  snsPublishes: { service: 'SNS', what: 'publications', per: 1e6, price: 0.5, free: 1e6 },
  snsEmails: { service: 'SNS', what: 'e-mails', per: 1e5, price: 2, free: 1000 },
  kmsRequests: { service: 'KMS', what: 'requests of topics', per: 1e4, price: 0.03, free: 20_000 },
  secrets: { service: 'Secrets Manager', what: 'secrets', per: 1, price: 0.4 },
  secretCalls: { service: 'Secrets Manager', what: 'calls', per: 1e4, price: 0.05 },
  logIngestion: { service: 'CloudWatch', what: 'GB of logs written', per: 1, price: [0.5, 0.57, 0.63], free: 5 },
  logStorage: { service: 'CloudWatch', what: 'GB of logs kept', per: 1, price: [0.03, 0.03, 0.0324] },
  customMetrics: { service: 'CloudWatch', what: 'metrics of its own', per: 1, price: 0.3, free: 10 },
  dashboards: { service: 'CloudWatch', what: 'dashboards', per: 1, price: 3, free: 3 },
  alarmMetrics: { service: 'CloudWatch', what: 'metrics of alarms', per: 1, price: 0.1, free: 10 },
  dataOut: { service: 'Data transfer', what: 'GB to the internet', per: 1, price: 0.09, free: 100 },
} as const satisfies Record<string, Item>;

/** The name of one of the things that are charged for. */
export type Billed = keyof typeof items;

/** The use of everything in a month, in single units: requests, GB, metrics. */
export type Quantities = Readonly<Record<Billed, number>>;

/** The items of a private network that polls go through; none is part of the stack. */
export const network = {
  natGatewayHour: [0.045, 0.048, 0.052],
  /** Per GB, in either direction. */
  natGatewayData: [0.045, 0.048, 0.052],
  /** One endpoint in one availability zone. */
  interfaceEndpointHour: [0.01, 0.011, 0.012],
  /** Per GB, in either direction. */
  interfaceEndpointData: 0.01,
} as const satisfies Record<string, Price>;

/** The price in a region. */
export const priceIn = (region: Region, price: Price): number =>
  typeof price === 'number' ? price : price[regions.indexOf(region)]!;
