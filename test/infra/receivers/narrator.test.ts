import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { eventTypes } from '#functions/events/catalogue.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { Output } from '#infra/cli/terminal/output.ts';
import { narrator } from '#infra/receivers/narrator.ts';
import type { PostEnd } from '#infra/receivers/signed-post.ts';
import { columnsOf } from '#infra/terminal/columns.ts';
import { exampleEvent } from '#infra/terminal/example-event.ts';

const at = '2026-11-27T11:46:19.000Z';
const taken: PostEnd = { at, durationMs: 8, status: 204 };

/** Lines that a narration writes. */
function told(narrate: (narration: ReturnType<typeof narrator>) => void, isJson = false): string[] {
  const stream = new PassThrough();
  narrate(narrator(new Output(stream, stream, isJson)));
  return String(stream.read()).trimEnd().split('\n');
}

const eventAbout = (data: object): EventResource => ({
  ...{ id: 'evt_1', type: 'transfer.active', timestamp: at },
  data: { trackingId: '20260105-090100-KoIIZArN', mailbox: 'alice@example.com', direction: 'sent', ...data },
});

describe('the line of a request', () => {
  it('tells the mailbox and whether it is the sender, as two watches can tell of one transfer', () => {
    const lines = told(({ request }) => {
      request(eventAbout({}), taken);
      request(eventAbout({ mailbox: 'bob@example.com', direction: 'received' }), taken);
      request({ ...eventAbout({ trackingId: undefined }), type: 'watch.failing' }, taken);
    });
    const begin = '11:46:19  204      8 ms  transfer.active  20260105-090100-KoIIZArN';
    expect(lines).toEqual([
      `${begin}  from alice@example.com`,
      `${begin}  to bob@example.com`,
      '11:46:19  204      8 ms  watch.failing  of alice@example.com, sent',
    ]);
  });

  it('says so when the event was forwarded before, and has the fields for scripts', () => {
    const again = { isAgain: true, remarks: ['attempt 2'] };
    expect(told(({ request }) => request(eventAbout({}), taken, again))[0]).toMatch(
      /from al…le\.com {2}again {2}attempt 2$/,
    );
    const [line = ''] = told(({ request }) => request(eventAbout({}), taken, again), true);
    expect(JSON.parse(line)).toMatchObject({ mailbox: 'alice@example.com', direction: 'sent', isAgain: true });
  });

  it('fits into 100 columns and keeps type and remarks, however long mailbox, tracking id and code are', () => {
    const long = { trackingId: 'T'.repeat(200), mailbox: `${'m'.repeat(120)}@${'d'.repeat(120)}.example.com` };
    for (const type of eventTypes) {
      for (const data of [long, { mailbox: long.mailbox }, {}, { mailbox: '漢字漢字漢字漢字漢字@example.com' }]) {
        const event = { ...exampleEvent(type), data: { ...exampleEvent(type).data, ...data } };
        const end: PostEnd = { at, durationMs: 15_000, failure: 'timeout', code: 'UND_ERR_SOCKET' };
        const [line = ''] = told(({ request }) =>
          request(event, end, { when: '01-05 07:04', isAgain: true, remarks: ['attempt 12'] }),
        );
        expect(columnsOf(line), line).toBeLessThanOrEqual(100);
        expect(line).toMatch(new RegExp(`^01-05 07:04 .* ${type}  .*again  attempt 12$`));
      }
    }
  });
});

describe('a problem of the receiver', () => {
  it('is told in lines of 100 columns at most, with its remedy', () => {
    const ends: PostEnd[] = [
      { at, durationMs: 1, failure: 'forbidden_target' },
      { at, durationMs: 1, failure: 'tls', code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' },
      { at, durationMs: 1, failure: 'refused', code: 'ECONNREFUSED' },
      { at, durationMs: 1, status: 500 },
    ];
    const lines = told(({ problem }) => {
      for (const end of ends) problem(end);
    });
    expect(lines.filter((line) => columnsOf(line) > 100)).toEqual([]);
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain(
      'NODE_EXTRA_CA_CERTS=FILE (PEM), and on AWS use a public one',
    );
  });

  it('is told once until a success, though one that 100 others have come after is told again', () => {
    const refusals = (statuses: readonly number[]) =>
      told(({ problem }) => {
        for (const status of statuses) problem({ at, durationMs: 1, status });
      });
    expect(refusals([500, 500, 204, 500])).toHaveLength(2);
    const others = Array.from({ length: 100 }, (_, index) => 400 + index);
    expect(refusals([500, ...others, ...others, 500]).filter((line) => line.includes('HTTP 500'))).toHaveLength(2);
  });
});
