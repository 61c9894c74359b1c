import type { EventsTopic } from '#functions/events/publish.ts';
import { eventBody } from '#functions/events/transfer-event.ts';
import { mostTold } from '#functions/notices/digest.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { endpointsPerMessage, fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { sweep } from '#functions/webhooks/engine/sweep.ts';
import type { ServiceAddresses } from '#test/bench/processes/services.ts';
import { eventsOf } from '#test/bench/webhooks/events.ts';
import { meteredWebhooks } from './metered.ts';
import { storedBytes } from './stored-bytes.ts';
import { divide, subtract } from './unit-sums.ts';

const dayMs = 86_400_000;

/** Events of the largest digest that is measured: most of them are only counted. */
const manyEvents = 100;

/** States whose events only the webhook wants, and those that the reader wants as well. */
const states = { ofWebhook: 'FAILED', ofBoth: 'DELETED_BY_REVOCATION' };

/** Measures the units that readers by e-mail add, with a digest each day, and the bytes that they store. */
export async function measureDigestUnits(services: ServiceAddresses, topic: EventsTopic) {
  const { deps: shared, meter, onlooker, close } = await meteredWebhooks(services);
  let clock = Date.now();
  let digests = 0;
  const deps = { ...shared, topic, now: () => new Date(clock) };
  const fanOutOf = (name: string, count: number, state: string) => {
    const announcements = eventsOf(name, count, state).map((event) => ({ body: eventBody(event) }));
    return fanOut(deps, announcements);
  };
  const addReader = (name: string, mailbox: string) => {
    const reader = { when: 'daily at 07:30', language: 'en', timeZone: 'Europe/Berlin' } as const;
    const types = ['transfer.deleted_by_revocation'];
    const address = { url: `mailto:${name}@example.com`, format: 'email' } as const;
    return addEndpoint(deps, name, { ...address, types, mailboxes: [mailbox], reader }, {}, true);
  };
  const sweepOnce = () => sweep(deps, deps.steady() + 60_000);
  const sweepUnits = async () => {
    // The first sweep after a while writes the time as well.
    await sweepOnce();
    return meter.of(sweepOnce);
  };

  /** Measures the digest of a number of events, from the wake-up to the mail. */
  const digestOf = async (events: number) => {
    digests += 1;
    for (let created = 0; created < events; created += 10)
      await fanOutOf(`digest-${digests}-${created}`, Math.min(10, events - created), states.ofBoth);
    clock += dayMs;
    const before = await storedBytes(onlooker, deps.table);
    const units = await meter.of(async () => {
      const { settled, unhandled } = await deliver(deps, [{ endpoint: 'reader', events: [] }]);
      const isMailed = settled.length === 1 && settled[0]!.delivery.status === 'DELIVERED';
      if (!isMailed || unhandled.length > 0) throw new Error('a digest was not mailed', { cause: unhandled[0]?.error });
    });
    return { units, bytes: (await storedBytes(onlooker, deps.table)) - before };
  };
  try {
    const url = `${services.receiver}/healthy`;
    await addEndpoint(deps, 'ok', { url, types: ['transfer.failed', 'transfer.deleted_by_revocation'] });
    await addReader('reader', 'alice@example.com');
    const [before, bytesBefore] = [
      await meter.of(() => fanOutOf('one', 1, states.ofWebhook)),
      await storedBytes(onlooker, deps.table),
    ];
    await fanOutOf('bytes', 1, states.ofWebhook);
    const bytesOfOne = (await storedBytes(onlooker, deps.table)) - bytesBefore;
    const both = await meter.of(() => fanOutOf('both', 1, states.ofBoth));
    const bytesOfBoth = (await storedBytes(onlooker, deps.table)) - bytesBefore - bytesOfOne;
    // A digest that has another before it, as all but the first of a reader have.
    await digestOf(1);
    const [one, told, many] = [await digestOf(1), await digestOf(mostTold), await digestOf(manyEvents)];
    const sweptBefore = await sweepUnits();
    const others = endpointsPerMessage - 2;
    for (let other = 0; other < others; other += 1) await addReader(`reader-${other}`, `mailbox.${other}@example.com`);
    const swept = await sweepUnits();
    const examined = await meter.of(() => fanOutOf('examined', 1, states.ofWebhook));
    const perTold = divide(subtract(told.units, one.units), mostTold - 1);
    return {
      /** For each event and reader who wants it: its delivery, which waits for the digest. */
      creation: subtract(both, before),
      /** For each invocation of fan-out and reader, whether or not the reader wants an event. */
      examined: divide(subtract(examined, before), others),
      /** For each sweep and reader. */
      swept: divide(subtract(swept, sweptBefore), others),
      /** For each digest, then for each event that it tells, and for each that it only counts. */
      digest: subtract(one.units, perTold),
      told: perTold,
      counted: divide(subtract(many.units, told.units), manyEvents - mostTold),
      /** Bytes: of the delivery of an event that waits, and of a digest that tells as many events as it may. */
      stored: { delivery: bytesOfBoth - bytesOfOne, digest: told.bytes },
    };
  } finally {
    close();
  }
}
