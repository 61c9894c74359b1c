import type { DeclaredEndpoint } from '#functions/webhooks/endpoints/declared.ts';
import type { Config } from '#infra/config/config.ts';
import type { Credentials } from '#infra/config/credentials.ts';
import type { AwsEndpoints } from '#infra/local/services/aws-endpoints.ts';

export interface RunOptions {
  readonly config: Config;
  readonly credentials: Credentials;
  /** Folder of database and queues; in memory without it. */
  readonly data: string | undefined;
  readonly notifyExisting: boolean;
  readonly endpoints: readonly DeclaredEndpoint[];
  readonly allowPrivateWebhooks: boolean;
  readonly awsEndpoints: AwsEndpoints;
  /** Prefix of tables, topics and queues, which keeps them apart from others of the same names. */
  readonly prefix: string;
  readonly onSecret?: (endpoint: string, secret: string) => void;
}
