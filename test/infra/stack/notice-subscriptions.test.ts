import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { topicOf } from '#functions/webhooks/http/mail.ts';
import { mostFiltered } from '#infra/stack/notice-subscriptions.ts';
import { NotifierStack } from '#infra/stack/notifier-stack.ts';
import { config, newApp, usualReader } from './synthesis.ts';

/** Limits of CloudFormation for one template: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const mostResources = 500;
const mostBytes = 1_000_000;

const readersByEmail = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    ...usualReader,
    name: `reader-${index}`,
    email: `reader-${index}@example.com`,
  }));

/** By the number of readers, since each takes about a second. */
const made = new Map<number, Template[]>();

/** The templates of all stacks with as many readers, the notifier's own first. */
function templatesOf(count: number): Template[] {
  const templates = made.get(count) ?? templatesWith(readersByEmail(count));
  made.set(count, templates);
  return templates;
}

function templatesWith(readers: ReturnType<typeof readersByEmail>): Template[] {
  const stack = new NotifierStack(newApp(), 'TransferNotifier', { config: { ...config, notify: { readers } } });
  const nested = stack.node.findAll().filter((one) => one instanceof Stack);
  return nested.map((one) => Template.fromStack(one));
}

/** Subscriptions by e-mail to messages, in the form `<reader> <address>`. */
const subscribedIn = (template: Template): string[] =>
  Object.values(template.findResources('AWS::SNS::Subscription')).flatMap(({ Properties }) =>
    Properties.FilterPolicy ? [`${Properties.FilterPolicy.reader} ${Properties.Endpoint}`] : [],
  );

describe('subscriptions of readers by e-mail', () => {
  it.each([1, 20, 200, 500])('fit into the limits of CloudFormation and SNS for %i readers, each once', (count) => {
    const readers = readersByEmail(count);
    const templates = templatesOf(count);
    const subscribed = templates.map(subscribedIn);
    expect(subscribed.flat().toSorted()).toEqual(readers.map(({ name, email }) => `${name} ${email}`).toSorted());
    for (const one of subscribed) expect(one.length).toBeLessThanOrEqual(mostFiltered);
    for (const one of templates) {
      const json = JSON.stringify(one.toJSON());
      expect(Object.keys(one.toJSON().Resources).length).toBeLessThanOrEqual(mostResources);
      expect(json.length).toBeLessThan(mostBytes);
    }
    expect(templates).toHaveLength(count <= mostFiltered ? 1 : 4);
  });

  it('are found by the function that mails: it knows the topics in the order in which readers are divided', () => {
    const templates = templatesOf(500);
    const [{ Environment }] = Object.values(templates[0]!.findResources('AWS::Lambda::Function'))
      .map(({ Properties }) => Properties)
      .filter(({ Description }) => /mails digests/.test(Description)) as [
      { Environment: { Variables: Record<string, object> } },
    ];
    const { TRANSFER_NOTICES_TOPIC_ARN } = Environment.Variables;
    expect(JSON.stringify(TRANSFER_NOTICES_TOPIC_ARN)).toMatch(/TransferNotices.*More1.*More2.*More3/);
    templates.forEach((template, index) => {
      for (const one of subscribedIn(template)) expect(topicOf(one.split(' ')[0]!, templates.length)).toBe(index);
    });
  });

  it('stay where they are when other readers come and go', () => {
    const before = templatesWith(readersByEmail(300)).map(subscribedIn);
    const after = templatesWith(readersByEmail(301).slice(1)).map(subscribedIn);
    const kept = before.map((some) => some.filter((one) => !one.startsWith('reader-0 ')));
    expect(after.map((some) => some.filter((one) => !one.startsWith('reader-300 ')))).toEqual(kept);
  });

  it('come from topics whose display name, which mails show, begins with that of the notifier', () => {
    for (const template of templatesWith(readersByEmail(201))) {
      template.hasResourceProperties('AWS::SNS::Topic', { DisplayName: 'TransferNotifier notices' });
    }
  });
});
