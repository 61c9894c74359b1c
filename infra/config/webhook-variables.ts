import { variablesIn } from '#functions/webhooks/endpoints/template.ts';
import type { Config } from './config.ts';

/** An environment variable with a secret value of a webhook; on AWS, a field of the secret. */
export interface WebhookVariable {
  readonly variable: string;
  readonly webhook: string;
  /** Path in the configuration, for example `webhooks[0].urlFrom`. */
  readonly path: string;
  readonly holds: 'address' | 'signing secret' | 'header' | 'part of the body';
  /** Name of the header whose value it holds. */
  readonly header?: string;
}

/** @example [{ variable: 'CRM_SECRET', webhook: 'crm', path: 'webhooks[0].secretFrom', holds: 'signing secret' }] */
export const webhookVariables = ({ webhooks }: Pick<Config, 'webhooks'>): WebhookVariable[] =>
  webhooks.flatMap(({ name: webhook, urlFrom, secretFrom, headersFrom = {}, template }, at): WebhookVariable[] => [
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
    ...[...new Set(variablesIn(template))].map((variable) => ({
      variable,
      webhook,
      path: `webhooks[${at}].template`,
      holds: 'part of the body' as const,
    })),
  ]);
