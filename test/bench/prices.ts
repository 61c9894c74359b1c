/** Everything that AWS charges for here, by the unit that it is priced in. */
export const billed = {
  dynamoReads: { service: 'DynamoDB', what: 'read units', per: 1e6 },
  dynamoWrites: { service: 'DynamoDB', what: 'write units', per: 1e6 },
  dynamoStorage: { service: 'DynamoDB', what: 'GB stored', per: 1 },
  dynamoBackup: { service: 'DynamoDB', what: 'GB of point-in-time recovery', per: 1 },
  lambdaCompute: { service: 'Lambda', what: 'GB-seconds on arm64', per: 1 },
  lambdaRequests: { service: 'Lambda', what: 'invocations', per: 1e6 },
  schedulerInvocations: { service: 'Scheduler', what: 'invocations', per: 1e6 },
  sqsRequests: { service: 'SQS', what: 'requests', per: 1e6 },
  sqsFairness: { service: 'SQS', what: 'messages of fair queues', per: 1e6 },
  snsPublishes: { service: 'SNS', what: 'publications', per: 1e6 },
  snsEmails: { service: 'SNS', what: 'e-mails', per: 1e5 },
  kmsRequests: { service: 'KMS', what: 'requests of topics', per: 1e4 },
  secrets: { service: 'Secrets Manager', what: 'secrets', per: 1 },
  secretCalls: { service: 'Secrets Manager', what: 'calls', per: 1e4 },
  logIngestion: { service: 'CloudWatch', what: 'GB of logs written', per: 1 },
  logStorage: { service: 'CloudWatch', what: 'GB of logs kept', per: 1 },
  customMetrics: { service: 'CloudWatch', what: 'metrics of its own', per: 1 },
  dashboards: { service: 'CloudWatch', what: 'dashboards', per: 1 },
  alarmMetrics: { service: 'CloudWatch', what: 'metrics of alarms', per: 1 },
  dataOut: { service: 'Data transfer', what: 'GB to the internet', per: 1 },
} as const;

/** One of the things that are charged for. */
export type Billed = keyof typeof billed;

/** How much of everything in a month, in single units: requests, GB, metrics. */
export type Quantities = Readonly<Record<Billed, number>>;

/** What a private network costs that polls go through; none is part of the stack. */
export interface NetworkPrices {
  readonly natGatewayHour: number;
  /** Per GB, in either direction. */
  readonly natGatewayData: number;
  /** Of one endpoint in one availability zone. */
  readonly interfaceEndpointHour: number;
  /** Per GB, in either direction. */
  readonly interfaceEndpointData: number;
}

/** Prices of a region in US dollars, on demand, first tier, without tax. */
export interface RegionPrices {
  readonly place: string;
  /** For so many units as {@link billed} says. */
  readonly prices: Quantities;
  readonly network: NetworkPrices;
}

/**
 * Where the prices come from: AWS's price lists (`pricing.us-east-1.amazonaws.com/offers/v1.0/aws/<offer>/current/<region>`),
 * read in public copies of them. The day is the newest copy's of any region; those of other regions are some weeks older.
 */
export const sources: Readonly<Record<string, string>> = {
  AmazonDynamoDB: '2026-09-11',
  AWSLambda: '2026-10-01',
  AWSEvents: '2026-05-29',
  AWSQueueService: '2026-09-11',
  AmazonSNS: '2026-09-15',
  awskms: '2026-09-15',
  AWSSecretsManager: '2026-09-11',
  AmazonCloudWatch: '2026-09-22',
  AWSDataTransfer: '2026-09-16',
  AmazonVPC: '2026-07-24',
  AmazonEC2: '2026-08-16',
};

/** The same wherever the project has looked; those of eu-central-1 for calls of Secrets Manager and e-mails are taken to be. */
const everywhere = {
  lambdaCompute: 0.0000133334,
  lambdaRequests: 0.2,
  sqsRequests: 0.4,
  sqsFairness: 0.1,
  snsPublishes: 0.5,
  snsEmails: 2,
  kmsRequests: 0.03,
  secrets: 0.4,
  secretCalls: 0.05,
  customMetrics: 0.3,
  dashboards: 3,
  alarmMetrics: 0.1,
  dataOut: 0.09,
};

/** Prices by region. Further regions go here; one that lacks a price does not compile. */
export const regions = {
  'us-east-1': {
    place: 'N. Virginia',
    prices: {
      ...everywhere,
      dynamoReads: 0.125,
      dynamoWrites: 0.625,
      dynamoStorage: 0.25,
      dynamoBackup: 0.2,
      schedulerInvocations: 1,
      logIngestion: 0.5,
      logStorage: 0.03,
    },
    network: {
      natGatewayHour: 0.045,
      natGatewayData: 0.045,
      interfaceEndpointHour: 0.01,
      interfaceEndpointData: 0.01,
    },
  },
  'eu-west-1': {
    place: 'Ireland',
    prices: {
      ...everywhere,
      dynamoReads: 0.1415,
      dynamoWrites: 0.705,
      dynamoStorage: 0.283,
      dynamoBackup: 0.22,
      schedulerInvocations: 1,
      logIngestion: 0.57,
      logStorage: 0.03,
    },
    network: {
      natGatewayHour: 0.048,
      natGatewayData: 0.048,
      interfaceEndpointHour: 0.011,
      interfaceEndpointData: 0.01,
    },
  },
  'eu-central-1': {
    place: 'Frankfurt',
    prices: {
      ...everywhere,
      dynamoReads: 0.1525,
      dynamoWrites: 0.7625,
      dynamoStorage: 0.306,
      dynamoBackup: 0.2448,
      schedulerInvocations: 1.15,
      logIngestion: 0.63,
      logStorage: 0.0324,
    },
    network: {
      natGatewayHour: 0.052,
      natGatewayData: 0.052,
      interfaceEndpointHour: 0.012,
      interfaceEndpointData: 0.01,
    },
  },
} as const satisfies Record<string, RegionPrices>;

/** A region whose prices are known. */
export type Region = keyof typeof regions;

/**
 * What AWS gives every account every month for as long as it exists, in single units. It is the account's, so whatever
 * else runs there takes from it, too. The 5 GB of logs are for writing and keeping together and are counted for writing.
 */
export const alwaysFree: Readonly<Partial<Quantities>> = {
  dynamoStorage: 25,
  lambdaCompute: 400_000,
  lambdaRequests: 1e6,
  schedulerInvocations: 14e6,
  sqsRequests: 1e6,
  snsPublishes: 1e6,
  snsEmails: 1000,
  kmsRequests: 20_000,
  logIngestion: 5,
  customMetrics: 10,
  dashboards: 3,
  alarmMetrics: 10,
  dataOut: 100,
};
