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
  /** Endpoints of the configuration. */
  readonly endpoints: readonly DeclaredEndpoint[];
  readonly allowPrivateWebhooks: boolean;
  /** Services of another implementation of AWS. */
  readonly awsEndpoints: AwsEndpoints;
  /** Prefix of tables, topics and queues, which keeps them apart from others of the same names. */
  readonly prefix: string;
  /** Receives the secret of each added endpoint. */
  readonly onSecret?: (endpoint: string, secret: string) => void;
}
