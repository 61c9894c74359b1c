import { describe, expect, it } from 'vitest';
import { secretFields } from '#infra/cli/secret/fields.ts';
import { loadConfig } from '#infra/config/config.ts';
import { deploymentProblems } from '#infra/config/deployment-check.ts';
import { declaredWebhooks } from '#infra/local/declared-webhooks.ts';
import { configFolder } from './config-files.ts';

const { write, problemsWith } = configFolder();

const pagerduty = { name: 'pagerduty', url: 'https://events.example.com/v2/enqueue', format: 'template' };
const template = { routing_key: '{{ROUTING_KEY}}', payload: { list: ['{{data.trackingId}}: {{words}}'] } };
const configOf = (...webhooks: object[]) => loadConfig(write({ webhooks }));

/** The problems that a deployment has, and those that the local run has. */
const deployed = (...webhooks: object[]) => deploymentProblems(configOf(...webhooks));
const local = (environment: NodeJS.ProcessEnv, ...webhooks: object[]) => {
  const { problems, missing } = declaredWebhooks(configOf(...webhooks), environment, false);
  return [...problems, ...missing];
};

describe.each([
  { where: 'a deployment', problemsOf: deployed },
  { where: 'the local run', problemsOf: (...webhooks: object[]) => local({ ROUTING_KEY: 'hidden' }, ...webhooks) },
])('the check of templates before $where', ({ problemsOf }) => {
  it('accepts a template whose variables are named, without a signing secret', () => {
    expect(problemsOf({ ...pagerduty, template })).toEqual([]);
  });

  it('names every mistake at once with its path in the file', () => {
    const wrong = { payload: { list: ['fine', '{{data.recipients}}'] }, typo: '{{data.trackingid?}}' };
    const types = ['transfer.failed', 'transfer.overdue'];
    expect(problemsOf({ ...pagerduty, types, template: wrong }, { ...pagerduty, name: 'other' })).toEqual([
      'webhooks[0].template.payload.list[1]: {{data.recipients}} is not in every event of transfer.failed: write {{data.recipients?}} if it may be empty',
      'webhooks[0].template.typo: {{data.trackingid?}} is not in every event of transfer.failed, transfer.overdue: docs/receiving-webhooks.md lists the placeholders',
      'webhooks[1].template: expected one with format template',
    ]);
  });

  it('refuses a template with another format', () => {
    const crm = { ...pagerduty, format: 'event', secretFrom: 'ROUTING_KEY', template };
    expect(problemsOf(crm)).toContain('webhooks[0].template: expected none with format event');
  });
});

describe('loadConfig', () => {
  it.each(['text', 7, null])('refuses %j as a template', (given) => {
    expect(problemsWith(loadConfig)({ webhooks: [{ ...pagerduty, template: given }] })).toEqual([
      'webhooks[0].template: expected a JSON object or array',
    ]);
  });
});

describe('variables of templates', () => {
  it('are missing from the environment by the place that names them', () => {
    expect(local({}, { ...pagerduty, template })).toEqual([
      'ROUTING_KEY: this environment variable is missing; webhooks[0].template names it',
    ]);
  });

  it('are refused by the place that names them', () => {
    expect(local({ ROUTING_KEY: 'x'.repeat(4097) }, { ...pagerduty, template })).toEqual([
      'webhooks[0].template: expected at most 4096 characters',
    ]);
  });

  it('are filled in by the local run', () => {
    const { endpoints } = declaredWebhooks(configOf({ ...pagerduty, template }), { ROUTING_KEY: 'R1' }, false);
    expect(endpoints[0]!.settings).toMatchObject({ template, variables: { ROUTING_KEY: 'R1' } });
  });

  it('are fields of the secret on AWS', () => {
    const fields = secretFields(configOf({ ...pagerduty, template: [template, template] }));
    expect(fields.slice(1).map(({ name, meaning }) => `${name}: ${meaning}`)).toEqual([
      'ROUTING_KEY: part of the body of the webhook pagerduty',
    ]);
    expect(fields[1]!.problemWith('')).toBe('expected a value');
    expect(fields[1]!.problemWith('R1')).toBeUndefined();
  });

  it('take the place of credentials in a file on AWS', () => {
    const literal = { routing_key: 'R0123', project: { key: 'OPS' }, api_token: '{{ROUTING_KEY}}' };
    expect(deployed({ ...pagerduty, template: literal })).toEqual([
      'webhooks[0].template.routing_key: expected a variable, since a file is no place for credentials: name a field of the secret, for example {{PAGERDUTY_ROUTING_KEY}}, and fill it with npm run notifier -- secret fill',
    ]);
  });
});
