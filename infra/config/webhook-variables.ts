import type { Config } from './config.ts';

/** A variable to which a webhook of the configuration leaves something secret; on AWS, a field of the secret. */
export interface WebhookVariable {
  readonly variable: string;
  /** Name of the webhook. */
  readonly webhook: string;
  /** Where it stands in the configuration, for instance `webhooks[0].urlFrom`. */
  readonly path: string;
  readonly holds: 'address' | 'signing secret' | 'header';
  /** Name of the header, where it holds the value of one. */
  readonly header?: string;
}

/** The variables of all webhooks, in the order of the file. */
export const webhookVariables = ({ webhooks }: Pick<Config, 'webhooks'>): WebhookVariable[] =>
  webhooks.flatMap(({ name: webhook, urlFrom, secretFrom, headersFrom = {} }, at): WebhookVariable[] => [
    ...(urlFrom === undefined
      ? []
      : [{ variable: urlFrom, webhook, path: `webhooks[${at}].urlFrom`, holds: 'address' as const }]),
    ...(secretFrom === undefined
      ? []
      : [{ variable: secretFrom, webhook, path: `webhooks[${at}].secretFrom`, holds: 'signing secret' as const }]),
    ...Object.entries(headersFrom).map(([header, variable]) => ({
      variable,
      webhook,
      path: `webhooks[${at}].headersFrom.${header}`,
      holds: 'header' as const,
      header,
    })),
  ]);
