import http from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';
import { eventTypes } from '#functions/events/catalogue.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { serveOnLoopback, withAny } from '#infra/loopback/loopback-guard.ts';
import { usualSession } from '#infra/receivers/listen-session.ts';
import { testIdPrefix } from '#infra/receivers/test-id.ts';

/** Events of a request, as many as trigger makes, and its bytes: 2 KB for each. */
const mostEvents = 1000;
const mostBytes = 2_000_000;

/** Ids as trigger makes them. An odd one would fail as a header. */
const testId = new RegExp(`^${testIdPrefix}[0-9a-z]{17}$`);

/** Value of a field of events, of which none nests deeper. */
const value = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);

/** Request of `trigger`: made-up events alone, since any program of this machine may send one. */
const handedSchema = z.strictObject({
  events: z
    .array(
      z.strictObject({
        id: z.string().regex(testId),
        type: z.enum(eventTypes),
        timestamp: z.iso.datetime(),
        data: z.record(z.string(), value),
      }),
    )
    .min(1)
    .max(mostEvents),
  isTwice: z.boolean(),
});

const busy = 'took none of these, as the events before are not forwarded yet: try again later, or end that listen';

/**
 * Opens a session for `trigger`, at its usual port of the loopback interface or another free one. It answers at once, and
 * forwards the events of one request at a time.
 *
 * @param take forwards an event, once it is its turn
 * @param onFault called when `take` fails; later requests are taken all the same
 */
export async function openDoor(take: (event: EventResource) => Promise<void>, onFault: () => void = () => {}) {
  const app = new Hono();
  const tooLong = bodyLimit({ maxSize: mostBytes });
  let isBusy = false;

  async function forward({ events, isTwice }: z.infer<typeof handedSchema>): Promise<void> {
    isBusy = true;
    try {
      for (const event of events) await Promise.all(isTwice ? [take(event), take(event)] : [take(event)]);
    } catch {
      onFault();
    } finally {
      isBusy = false;
    }
  }

  // The other side may have broken the request off, which is no fault of this one.
  app.onError((error, context) =>
    error instanceof HTTPException ? error.getResponse() : context.json({ detail: 'the request broke off' }, 400),
  );
  app.post('/', tooLong, async (context) => {
    const handed = handedSchema.safeParse(jsonOf(await context.req.text()));
    if (!handed.success)
      return context.json({ detail: `expected events of trigger: ${z.prettifyError(handed.error)}` }, 400);
    if (isBusy) return context.json({ detail: busy }, 409);
    void forward(handed.data);
    return context.json({ taken: handed.data.events.length }, 202);
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const serve = (port: number) => serveOnLoopback(http.createServer(listener), withAny, { host: '127.0.0.1', port });
  return serve(Number(new URL(usualSession).port)).catch((error: NodeJS.ErrnoException) => {
    // Another session has it.
    if (error.code !== 'EADDRINUSE') throw error;
    return serve(0);
  });
}
