import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findings as allFindings } from '#functions/explain/finding.ts';
import findings from '#functions/explain/findings.json' with { type: 'json' };
import { verdicts as allVerdicts } from '#functions/explain/verdict.ts';
import verdicts from '#functions/explain/verdicts.json' with { type: 'json' };
import {
  findingWords,
  lastAttempts,
  proofWords,
  type VerdictFacts,
  verdictCommands,
  verdictWords,
} from '#infra/terminal/verdict-words.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { ScriptedApi } from '#test/infra/cli/scripted-api.ts';

const facts: VerdictFacts = {
  ...{ event: 'evt_1', type: 'transfer.failed', at: '2026-11-24T12:00:00.000Z', verdict: 'delivered' },
  proof: { setting: 'types', value: ['transfer.active', 'watch.*'] },
};
const statuses = ['active', 'paused', 'disabled', 'removed'] as const;
const looked = { watches: 2, isMore: false, disabled: 0, failing: 0, unfinished: 0 };

let api: ScriptedApi;
beforeAll(async () => {
  api = await ScriptedApi.start('other');
});
afterAll(() => api.close());

describe('verdictWords', () => {
  test('are others for each verdict', () => {
    expect(new Set(allVerdicts.map((verdict) => verdictWords({ ...facts, verdict }))).size).toBe(allVerdicts.length);
  });

  test('name a reason unless the verdict implies it, and several attempts', () => {
    const failed = { ...facts, verdict: 'failed', reason: 'throttled', attempts: 3 } as const;
    expect(verdictWords(failed)).toBe('failed, and its retry schedule is over: throttled, 3 attempts');
    expect(verdictWords({ ...facts, verdict: 'rejected', reason: 'rejected', attempts: 1 })).toBe(
      'rejected by the receiver for good',
    );
    expect(verdictWords({ ...facts, verdict: 'waits_for_retry', reason: 'circuit_breaker' })).toMatch(
      /retry: its circuit breaker is open$/,
    );
  });

  test('name the end of the last attempt where it explains the verdict', () => {
    const waits = { ...facts, verdict: 'waits_for_retry', reason: 'circuit_breaker', attempts: 3 } as const;
    expect(verdictWords(waits, 'HTTP 500')).toBe(
      'waits for a retry: its circuit breaker is open, HTTP 500, 3 attempts',
    );
    expect(verdictWords({ ...facts, verdict: 'delivered' }, 'HTTP 204')).toBe('delivered');
  });
});

describe('lastAttempts', () => {
  test('finds the newest attempt at an event or at the digest that tells it', () => {
    const attempt = (event: string, endpoint: string, status: number) => ({ kind: 'attempt', event, endpoint, status });
    const timeline = [
      ...[attempt('evt_1', 'crm', 500), attempt('evt_1', 'crm', 503), attempt('evt_1', 'erp', 204)],
      ...[{ ...attempt('evt_1', 'crm', 0), kind: 'failed' }, attempt('dig_1', 'team', 421)],
    ];
    const lastOf = lastAttempts(timeline);
    expect(lastOf({ event: 'evt_1' }, 'crm')).toMatchObject({ status: 503 });
    expect(lastOf({ event: 'evt_1', digest: 'dig_1' }, 'team')).toMatchObject({ status: 421 });
    expect(lastOf({ event: 'evt_2' }, 'crm')).toBeUndefined();
  });
});

describe('proofWords', () => {
  test('name a row without a link in it, or a setting with its value', () => {
    expect(proofWords({ ...facts, proof: { row: 'sent#alice T#00ff#www.example.com/x' } })).not.toContain('www.e');
    expect(proofWords(facts)).toBe('types is transfer.active, watch.*');
  });
});

describe('verdictCommands', () => {
  const all = allVerdicts.flatMap((verdict) =>
    statuses.flatMap((status) => verdictCommands({ name: 'crm', status }, { ...facts, verdict })),
  );

  test('are commands that the command line understands', async () => {
    expect(new Set(all).size).toBeGreaterThan(8);
    for (const command of new Set(all)) {
      const { code, stderr } = await run([...command.replace('URL', api.url).split(' '), '--url', api.url], {
        answers: [true],
      });
      expect(code, `${command}\n${stderr}`).not.toBe(2);
    }
  });

  test('enable or resume a subscriber before anything is sent to it', () => {
    for (const verdict of ['delivered', 'failed', 'held_paused', 'endpoint_removed'] as const) {
      const first = (status: (typeof statuses)[number]) =>
        verdictCommands({ name: 'crm', status }, { ...facts, verdict })[0];
      expect(first('paused')).toBe('endpoint resume crm');
      expect(first('disabled')).toBe('endpoint enable crm');
      // A removed one lacks nothing that it got.
      if (verdict === 'delivered') expect(first('removed')).toBeUndefined();
      else expect(first('removed')).toMatch(/^endpoint (?:add|recover)/);
      expect(first('active')).toMatch(/^(?:delivery resend|endpoint recover|endpoint replay)/);
    }
  });

  test('attempt a waiting delivery at once, past an open circuit breaker as well', () => {
    const waits = { ...facts, verdict: 'waits_for_retry' } as const;
    const first = (reason?: string) =>
      verdictCommands({ name: 'crm', status: 'active' }, { ...waits, reason }).map((one) => one.split(' ')[1]);
    expect(first()).toEqual(['cancel', 'resend']);
    expect(first('circuit_breaker')).toEqual(['disable', 'enable', 'recover']);
  });

  test('send the digest that tells an event, and add a type to those that are wanted', () => {
    const active = { name: 'team', status: 'active' } as const;
    expect(verdictCommands(active, { ...facts, verdict: 'in_digest', digest: 'dig_1' })).toEqual([
      'delivery resend dig_1 team',
    ]);
    expect(verdictCommands(active, { ...facts, verdict: 'not_wanted_type' })).toEqual([
      'endpoint update team --type transfer.active,watch.*,transfer.failed',
    ]);
  });
});

describe('findingWords', () => {
  test('are others for each finding', () => {
    expect(new Set(allFindings.map((finding) => findingWords(finding, looked))).size).toBe(allFindings.length);
  });

  test('count the watches that may not have it yet', () => {
    expect(findingWords('not_listed_yet', { ...looked, watches: 1, unfinished: 1, failing: 1 })).toBe(
      'no complete listing has shown it yet, of 1 watch (1 failing, 1 not listed completely yet)',
    );
  });
});

test('docs/operations.md says in its tables what each verdict and each finding means', () => {
  const rows = readFileSync('docs/operations.md', 'utf8').matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm);
  const told = [...rows].map(([, name, meaning]) => `${name}: ${meaning}`);
  const meant = [verdicts, findings].map((list) =>
    Object.entries(list).map(([name, meaning]) => `${name}: ${meaning}`),
  );
  expect(told).toEqual(expect.arrayContaining(meant.flat()));
});
