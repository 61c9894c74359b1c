import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { barChart } from '#infra/console/html/chart.ts';
import { foreign, shellWord, table } from '#infra/console/html/elements.ts';
import { html } from '#infra/console/html/html.ts';
import { hostileTexts } from '#test/functions/notices/hostile-notices.ts';

const text = fc.oneof(
  fc.constantFrom(...hostileTexts, '</title><script>', '" onload="', "' onload='", '&lt;', '\u202e', '\u0000', '<!--'),
  fc.string({ unit: 'binary' }),
  fc.string(),
);

/** Markup of a text that stands alone, between tags and in an attribute. */
const markup = (one: string) => String(html`<p title="${one}" class='${one}'>${one}${[one, [one]]}${foreign(one)}</p>`);

describe('html', () => {
  it('shows any text as text: none opens a tag, ends an attribute or turns its surroundings', () => {
    fc.assert(
      fc.property(text, (one) => {
        const made = markup(one);
        expect(made.match(/[<>"']/g)).toEqual(markup('').match(/[<>"']/g));
        expect(made).not.toMatch(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u);
        expect(made.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toContain('&');
      }),
    );
  });

  it('keeps what it shows readable', () => {
    expect(String(html`${'a < b & "c"'}${0}${false}${undefined}`)).toBe('a &lt; b &amp; &quot;c&quot;0');
  });

  it('does not escape markup twice, in lists and tables as well', () => {
    const rows = table('c', [{ heading: 'h', cell: (row: string) => html`<b>${row}</b>` }], ['<']);
    expect(String(rows)).toContain('<td data-heading="h"><b>&lt;</b></td>');
  });
});

describe('shellWord', () => {
  it('makes one word of any text for a shell', () => {
    expect(shellWord('20240522-065711-H8UoUSI6')).toBe('20240522-065711-H8UoUSI6');
    expect(shellWord('alice@example.com')).toBe('alice@example.com');
    expect(shellWord("a'; rm -rf ~; '")).toBe(`'a'\\''; rm -rf ~; '\\'''`);
    for (const one of ['$(x)', '`x`', 'a b', 'a|b', '', '~', '--all', '*', '#x', '!x'])
      expect(shellWord(one)).toBe(`'${one}'`);
  });
});

describe('barChart', () => {
  it('draws values by their size, a small one visibly, and an unknown one in another way', () => {
    const bars = [0, 1, 1000, undefined].map((value, index) => ({ value, title: `t${index}` }));
    const drawn = [...String(barChart(bars, 'all')).matchAll(/<rect class="(\w+)"[^>]* height="([\d.]+)"/g)];
    expect(drawn.map(([, kind, height]) => [kind, Number(height)])).toEqual([
      ['bar', 0],
      ['bar', 2],
      ['bar', 128],
      ['unknown', 128],
    ]);
  });

  it('shows no bar higher than the picture when all are zero', () => {
    expect(String(barChart([{ value: 0, title: '' }], 'none'))).not.toMatch(/NaN|Infinity/);
  });
});
