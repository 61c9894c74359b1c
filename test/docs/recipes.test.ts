import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { type EventType, eventTypes, isOfType } from '#functions/events/catalogue.ts';
import { eventBodyOf } from '#functions/webhooks/endpoints/format.ts';
import { loadConfig } from '#infra/config/config.ts';
import { deploymentProblems } from '#infra/config/deployment-check.ts';
import { webhookVariables } from '#infra/config/webhook-variables.ts';
import { declaredWebhooks } from '#infra/local/declared-webhooks.ts';
import { exampleEvent } from '#infra/terminal/example-event.ts';
import { configFolder } from '#test/infra/config/config-files.ts';
import { examples } from './event-schemas.ts';

const { write } = configFolder();
const pages = globSync('docs/recipes/*.md').filter((file) => !file.endsWith('README.md'));

/** The text of a page's block, by the word behind `json`. */
const blockOf = (page: string, kind: string): string | undefined =>
  new RegExp(`^\`\`\`json ${kind}\n(.*?)\n\`\`\`$`, 'ms').exec(page)?.[1];

const recipes = pages.map((file) => {
  const page = readFileSync(file, 'utf8');
  const name = basename(file, '.md');
  // The page of Power Automate has the schema itself, since an operator pastes it there.
  const schema = blockOf(page, 'schema') ?? readFileSync(`test/docs/vendors/${name}.json`, 'utf8');
  return { name, page, schema: JSON.parse(schema), webhooks: JSON.parse(blockOf(page, 'recipe')!) as object[] };
});

/** Events of a type: the documented one, one with every field, and one with long and foreign values. */
function eventsOf(type: EventType): object[] {
  const every = exampleEvent(type);
  const foreign = { mailbox: `ünï"{{id}}<b>@${'x'.repeat(60)}.example.com`, trackingId: `"\\${'x'.repeat(62)}` };
  const known = Object.entries(foreign).filter(([field]) => field in every.data);
  return [
    ...examples.filter((one) => one.type === type).map(({ event }) => event),
    every,
    { ...every, data: { ...every.data, ...Object.fromEntries(known) } },
  ];
}

it('has a page for each system of the index, and no other', () => {
  const index = readFileSync('docs/recipes/README.md', 'utf8');
  const linked = [...index.matchAll(/^\| \[.+?\]\(([\w-]+)\.md\) \|/gm)].map(([, name]) => name);
  expect(linked.toSorted()).toEqual(recipes.map(({ name }) => name).toSorted());
  expect(linked).toHaveLength(8);
});

describe.each(recipes)('docs/recipes/$name.md', ({ page, schema, webhooks }) => {
  const config = loadConfig(write({ webhooks }));
  const variables = webhookVariables(config);
  const secrets = { address: 'https://hooks.example.com/1', header: 'secret', 'part of the body': 'secret' };
  const environment = Object.fromEntries(
    variables.map(({ variable, holds }) => [variable, Reflect.get(secrets, holds)]),
  );
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);

  it('has entries that a deployment and the local run accept', () => {
    expect(deploymentProblems(config)).toEqual([]);
    expect(declaredWebhooks(config, environment, false)).toMatchObject({ problems: [], missing: [] });
  });

  it('names every variable in its text, and the source of the vendor', () => {
    const text = page.replaceAll(/^```.*?^```$/gms, '');
    for (const { variable } of variables) expect(text).toContain(`\`${variable}\``);
    expect(text).toMatch(/^Sources?: \[.+?\]\(https:\/\/.+?\)/m);
    expect(text).toContain('\nNot possible:\n');
  });

  it('makes bodies as the vendor documents them, of each subscribed type and of a test', () => {
    const { endpoints } = declaredWebhooks(config, environment, false);
    for (const { name, settings } of endpoints) {
      const types = eventTypes.filter((type) => type === 'notifier.test' || isOfType(type, settings.types!));
      expect(types.length).toBeGreaterThan(1);
      for (const event of types.flatMap(eventsOf)) {
        const body = eventBodyOf(settings.format!, JSON.stringify(event), settings);
        expect(validate(JSON.parse(body)) || ajv.errorsText(validate.errors), `${name}: ${body}`).toBe(true);
      }
    }
  });
});

it('makes events that begin and end trouble share their key at PagerDuty and ServiceNow', () => {
  for (const [name, field] of [
    ['pagerduty', 'dedup_key'],
    ['servicenow', 'message_key'],
  ] as const) {
    const { webhooks } = recipes.find((one) => one.name === name)!;
    const keys = webhooks.map((webhook) => (webhook as { template: Record<string, unknown> }).template[field]);
    expect(new Set(keys)).toEqual(new Set(['{{key}}']));
  }
});
