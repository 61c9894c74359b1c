import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerRoom, maxAnswerBytes } from '#functions/cryptshare/answer-room.ts';

const MiB = 1024 * 1024;

describe('AnswerRoom', () => {
  it('never gives out more than 16 MiB, for answers of any size', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('seen' as const), bytes: fc.nat(maxAnswerBytes) }),
      fc.record({ kind: fc.constant('overflown' as const) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.array(step, { maxLength: 200 }), (wanted, steps) => {
        const room = new AnswerRoom();
        for (const one of steps) {
          if (one.kind === 'seen') room.seen(one.bytes);
          else room.seen();
          const atOnce = room.atOnce(wanted);
          expect(atOnce).toBeGreaterThanOrEqual(1);
          expect(atOnce).toBeLessThanOrEqual(wanted);
          expect(atOnce * room.share(atOnce)).toBeLessThanOrEqual(16 * MiB);
        }
      }),
    );
  });

  it.each([
    { what: 'is known of the server', answers: [], atOnce: 4 },
    { what: 'but pages of 10 KB has come', answers: Array(40).fill(10_000), atOnce: 100 },
    { what: 'but pages of 2 MB has come', answers: Array(40).fill(2_000_000), atOnce: 8 },
    {
      what: 'but a 2 MB page among small ones came',
      answers: [...Array(40).fill(10_000), 2_000_000],
      atOnce: 8,
    },
  ])('allows $atOnce of 100 requests at once when nothing $what', ({ answers, atOnce }) => {
    const room = new AnswerRoom();
    for (const bytes of answers) room.seen(bytes);
    expect(room.atOnce(100)).toBe(atOnce);
  });

  it('has room for the largest answers of four requests', () => {
    const room = new AnswerRoom();
    expect(room.atOnce(4)).toBe(4);
    expect(room.share(4)).toBe(maxAnswerBytes);
  });
});
