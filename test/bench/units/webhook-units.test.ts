import { SNSClient } from '@aws-sdk/client-sns';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventsTopic } from '#functions/events/publish.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import type { Reader } from '#functions/webhooks/endpoints/reader.ts';
import { sweep } from '#functions/webhooks/engine/sweep.ts';
import { createTopic, type EmbeddedServices, startEmbeddedServices } from '#infra/local/services/embedded-services.ts';
import { type Receiver, startReceiver } from '#test/bench/processes/receiver.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';
import { measureDigestUnits } from './digest-units.ts';
import { meteredWebhooks } from './metered.ts';
import { measureWebhookUnits } from './webhook-units.ts';

let services: EmbeddedServices;
let receiver: Receiver;
let topic: EventsTopic;

beforeAll(async () => {
  services = await startEmbeddedServices();
  receiver = await startReceiver();
  const { sdkEnvironment } = services;
  const endpoint = sdkEnvironment.AWS_ENDPOINT_URL_SNS!;
  const sns = new SNSClient({ ...sdkSettings(sdkEnvironment), endpoint });
  topic = { sns, eventsTopicArn: await createTopic(sns, 'transfer-events'), sleep: async () => {} };
});
afterAll(async () => {
  topic.sns.destroy();
  receiver.close();
  await services.close();
});

const addresses = () => ({ origin: '', receiver: receiver.url, sdkEnvironment: services.sdkEnvironment });

describe('units of webhooks', () => {
  test('are without readers what they were before there were any', async () => {
    const { alone, burst, sweep } = (await measureWebhookUnits(addresses(), topic)).webhooks;
    // A slow machine has a process read a lease again, or a sweep write the time once more.
    expect(alone).toEqual({
      unwanted: { read: 1, write: 2 },
      event: { read: 1, write: 1 },
      creation: { read: 0, write: 1 },
      delivery: { read: expect.closeTo(2.1, 0), write: expect.closeTo(2, 0) },
    });
    expect(burst).toEqual({
      unwanted: { read: expect.closeTo(0.2), write: 2 },
      event: { read: expect.closeTo(0.2), write: 1 },
      creation: { read: 0, write: 1 },
      delivery: { read: expect.closeTo(1.6, 0), write: expect.closeTo(1.4, 0) },
    });
    expect(sweep).toEqual({ read: 6, write: expect.closeTo(0.1, 0) });
  });
});

describe('units of readers', () => {
  test('are two writes for an event that waits, and two more to mark it as told', async () => {
    const { creation, counted, digest } = await measureDigestUnits(addresses(), topic);
    expect(creation).toEqual({ read: 0, write: 2 });
    expect(counted.write).toBeCloseTo(2, 0);
    // Three writes of the plan, and those of the delivery with its attempt.
    expect(digest.write).toBeLessThan(13);
  });

  const readerOf = (evenIfEmpty: boolean): Reader => ({
    ...{ language: 'en', timeZone: 'UTC', when: 'daily at 07:30', urgent: [], quiet: [] },
    evenIfEmpty,
  });

  test.each([
    ['a reader', { format: 'slack', reader: readerOf(false) } as const],
    ['a reader who gets empty digests as well', { format: 'slack', reader: readerOf(true) } as const],
  ])('are for a sweep over %s as many as over a webhook', async (_, reader) => {
    const unitsOf = async (settings: object) => {
      const { deps, meter, close } = await meteredWebhooks(addresses());
      const sweepOnce = () => sweep({ ...deps, topic }, deps.steady() + 60_000);
      await addEndpoint(deps, 'one', { url: receiver.url, ...settings });
      // The first sweep writes the time as well.
      await sweepOnce();
      return meter.of(sweepOnce).finally(close);
    };
    expect(await unitsOf(reader)).toEqual(await unitsOf({}));
  });
});
