import { ownSecretProblem } from '#functions/webhooks/endpoints/settings.ts';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { headerProblem, targetProblem } from '#functions/webhooks/http/ssrf-guard.ts';
import type { Config } from '#infra/config/config.ts';
import { type WebhookVariable, webhookVariables } from '#infra/config/webhook-variables.ts';

export interface SecretField {
  readonly name: string;
  /** Description in the question to the operator. */
  readonly meaning: string;
  /** Problem with a value, which it does not repeat. */
  readonly problemWith: (value: string) => string | undefined;
  /** Makes a value if the operator gives none. */
  readonly make?: () => string;
}

const clientId: SecretField = {
  name: 'CRYPTSHARE_CLIENT_ID',
  meaning: 'client id that is registered on the Cryptshare Server',
  problemWith: (value) =>
    /^[A-Za-z0-9]{50,4000}$/.test(value)
      ? undefined
      : `expected 50 to 4000 letters and digits, got ${value.length} characters`,
};

/** The fields that the secret must hold for a configuration, those for the server first. */
export function secretFields(config: Config): SecretField[] {
  const byName = Map.groupBy(webhookVariables(config), ({ variable }) => variable);
  return [clientId, ...[...byName.values()].map(webhookField)];
}

function webhookField(uses: readonly WebhookVariable[]): SecretField {
  const { variable: name, holds } = uses[0]!;
  const webhooks = [...new Set(uses.map(({ webhook }) => webhook))];
  const whose = `of the ${webhooks.length === 1 ? 'webhook' : 'webhooks'} ${webhooks.join(', ')}`;
  if (holds === 'address') {
    return { name, meaning: `address ${whose}`, problemWith: (value) => targetProblem(value, false) };
  }
  if (holds === 'signing secret') {
    return { name, meaning: `signing secret ${whose}`, problemWith: ownSecretProblem, make: newSecret };
  }
  if (holds === 'part of the body') {
    const problemWith = (value: string) => (value === '' ? 'expected a value' : undefined);
    return { name, meaning: `part of the body ${whose}`, problemWith };
  }
  const headers = [...new Set(uses.map(({ header = '' }) => header))];
  return {
    name,
    meaning: `value of the header ${headers.join(', ')} ${whose}`,
    problemWith: (value) => (value === '' ? 'expected a value' : headerProblem(headers[0] ?? '', value)),
  };
}
