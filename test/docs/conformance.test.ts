import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { conformance, hasTest, rows, tablesOf } from './conformance-rows.ts';

const read = (file: string): string => readFileSync(file, 'utf8');
const rulesOf = (source: string): string[] => rows.filter((row) => row.source === source).map(({ rule }) => rule);
const numbered = (letter: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);

/** All files in `compliance/vectors/sender` of Postel's repository, as of commit f84e296. */
const vectors: Readonly<Record<string, readonly string[]>> = {
  'wire-output': ['hmac-v1-byte-stable', 'ed25519-v1a-byte-stable', 'body-structure', 'custom-headers-emitted'],
  'retry-schedule': ['5xx-then-success', 'programmable-schedule', 'retry-after-honored', '4xx-no-retry'],
  'dead-letter': ['exhaustion-marks-dead-letter', 'attempt-status-casing'],
  deadlines: ['per-request-timeout', 'overall-deadline-respected'],
  fanout: [
    'matching-endpoints-receive-all',
    'filtered-endpoint-no-dispatch',
    'fanout-with-exhaustion',
    'late-binding-new-endpoint',
  ],
  filtering: ['type-filter-glob-match', 'type-filter-glob-no-match', 'channel-filter-match', 'channel-filter-no-match'],
  'ssrf-tls': ['https-only-rejected', 'ssrf-link-local-refused', 'ssrf-private-ip-create-blocked'],
  ttl: ['expired-message-skipped', 'fresh-message-delivers'],
  idempotency: ['duplicate-key-no-dispatch', 'distinct-keys-distinct-dispatch'],
  'multi-tenancy': ['null-tenant-default', 'tenant-scoped-fanout'],
};

describe('docs/conformance.md', () => {
  it('names tests that exist, each under its title in its file', () => {
    const missing = rows.flatMap(({ rule, tests }) =>
      tests
        .filter(({ file, title }) => !existsSync(file) || !hasTest(read(file), title))
        .map(({ file, title }) => `${rule}: ${file} has no test "${title}"`),
    );
    expect(missing).toEqual([]);
  });

  it('names a test for each rule that applies, and none for one that does not', () => {
    const wrong = rows.filter(({ verdict, cell, tests }) =>
      verdict.startsWith('does not apply: ')
        ? cell !== 'none'
        : tests.length === 0 || tests.length !== cell.split('<br>').length,
    );
    expect(wrong).toEqual([]);
  });

  it('says of each rule that it is kept, or in one sentence why not', () => {
    const form = /^(?:kept|(?:differs|does not apply): [^.]+(?:`[^`]+`[^.]*)*\.)$/;
    expect(rows.filter(({ verdict }) => !form.test(verdict))).toEqual([]);
  });

  it('counts the rules of each source', () => {
    const counts = [...Map.groupBy(rows, ({ source }) => source)].map(([source, some]) => {
      const of = (verdict: string) => String(some.filter((row) => row.verdict.startsWith(verdict)).length);
      const anchor = source
        .toLowerCase()
        .replace(/[^a-z -]/g, '')
        .replaceAll(' ', '-');
      const link = `[${source}](#${anchor})`;
      return [link, String(some.length), of('kept'), of('differs'), of('does not apply')];
    });
    expect(tablesOf(conformance).get('')).toEqual(counts);
  });

  it('leaves out none of the published signatures, which the test of signatures has under the same names', () => {
    expect(rulesOf('Published signatures')).toEqual(numbered('V', 5));
    const source = read('test/functions/webhooks/http/signature.test.ts');
    expect([...source.matchAll(/vector: '(V\d)/g)].map(([, name]) => name)).toEqual(numbered('V', 5));
  });

  it('leaves out no rule of Standard Webhooks', () => {
    expect(rulesOf('Standard Webhooks')).toEqual([...numbered('W', 26), ...numbered('O', 9)]);
  });

  it("leaves out none of Postel's 29 vectors of senders", () => {
    const all = Object.entries(vectors).flatMap(([folder, names]) => names.map((name) => `\`${folder}/${name}\``));
    expect(all).toHaveLength(29);
    expect(rulesOf("Postel's vectors of senders")).toEqual(all);
  });

  it('leaves out no section of docs/receiving-webhooks.md, and names no other', () => {
    const titles = [...read('docs/receiving-webhooks.md').matchAll(/^##+ (.+)$/gm)].map(([, title]) => title!);
    const links = titles.map(
      (title) => `[${title}](receiving-webhooks.md#${title.toLowerCase().replaceAll(' ', '-')})`,
    );
    const named = new Set(rulesOf('Sections of receiving-webhooks.md'));
    // Parts of a section that has a row itself.
    const parts = ['Express', 'Hono', 'Lambda function URL'];
    expect([...named]).toEqual(links.filter((link) => !parts.some((part) => link.startsWith(`[${part}]`))));
  });

  it('leaves out no promise of docs/design.md, and words each alike', () => {
    const promises = [...read('docs/design.md').matchAll(/^- \*\*(P\d+)\. ([^*]+)\.\*\*/gm)];
    const words = promises.map(([, name, text = '']) => [name, text.replace(/\s+/g, ' ')]);
    expect(words.length).toBeGreaterThanOrEqual(29);
    const named = rows.filter(({ source }) => source === 'Promises');
    expect(named.map(({ rule, expected }) => [rule, expected])).toEqual(words);
    const others = named.filter(
      ({ rule, tests }) => !tests.every(({ title }) => new RegExp(`\\b${rule}\\b[^(]*\\)$`).test(title)),
    );
    expect(others).toEqual([]);
  });
});

describe('hasTest', () => {
  it.each([
    ['it', "it('does so', () => {});"],
    ['test', 'test("does so", () => {});'.replaceAll('"', "'")],
    ['a call over two lines', "test.each([1])(\n  'does so',\n  () => {},\n);"],
    ['a template', 'it(`does so`, () => {});'],
    ['a test that is left out at times', "it.skipIf(true)('does so', () => {});"],
    ['a constant', "const title =\n  'does so';\ntest(title, () => {});"],
    ['rows with a type', "test.each<{ a: number }>([{ a: f(1) }])('does so', () => {});"],
    ['rows after those of a describe', "describe.each([1])('%i', () => { it.each([2])('does so', () => {}); });"],
  ])('finds a title in %s', (_, source) => {
    expect(hasTest(source, 'does so')).toBe(true);
  });

  it.each([
    ['a part of it', "it('does so twice', () => {});"],
    ['a describe', "describe('does so', () => {});"],
    ['rows of a describe', "describe.each([1])('does so', () => {});"],
    ['a constant that no test has', "const title = 'does so';\ndescribe(title, () => {});"],
    ['a comment', '// does so'],
    ['another text', "expect(f('does so', 1)).toBe(true);"],
  ])('finds no title in %s', (_, source) => {
    expect(hasTest(source, 'does so')).toBe(false);
  });
});
