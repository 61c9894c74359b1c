import type { DeclaredEndpoint } from '#functions/webhooks/endpoints/declared.ts';
import type { Config } from '#infra/config/config.ts';
import type { Credentials } from '#infra/config/credentials.ts';
import type { AwsEndpoints } from '#infra/local/services/aws-endpoints.ts';

/** What is to run. */
export interface RunOptions {
  readonly config: Config;
  readonly credentials: Credentials;
  /** Folder that keeps database and queues; in memory without it. */
  readonly data: string | undefined;
  readonly notifyExisting: boolean;
  /** The endpoints of the configuration. */
  readonly endpoints: readonly DeclaredEndpoint[];
  readonly allowPrivateWebhooks: boolean;
  /** Services that another implementation of AWS stands in for. */
  readonly awsEndpoints: AwsEndpoints;
  /** Stands before the names of tables, topics and queues, where others may have the same. */
  readonly prefix: string;
  /** Told the secrets of endpoints that were added. */
  readonly onSecret?: (endpoint: string, secret: string) => void;
}
