import { type Html, html } from './html.ts';

/** One bar: a value, the text under it where there is one, and what a pointer over it shows. */
export interface Bar {
  /** Undefined where the value is not known. */
  readonly value: number | undefined;
  readonly label?: string | undefined;
  readonly title: string;
}

const [width, height, base] = [1152, 200, 160];

/** Room above the highest bar for the number that it stands for. */
const room = 32;

/** A bar chart. Its colours come from the style sheet; `summary` says it in words. */
export function barChart(bars: readonly Bar[], summary: string): Html {
  const most = Math.max(1, ...bars.map(({ value = 0 }) => value));
  const step = width / bars.length;
  // Texts at the ends stay within the picture.
  const place = (index: number) =>
    index === 0 ? html` class="first"` : index === bars.length - 1 && html` class="last"`;
  const textAt = (index: number) =>
    index === 0 ? 0 : index === bars.length - 1 ? width : Math.round((index + 0.5) * step);
  const drawn = bars.map(({ value, label, title }, index) => {
    const x = Math.round(index * step * 10) / 10;
    const size = value === undefined ? base - room : Math.round((value / most) * (base - room) * 10) / 10;
    // A small value stays visible.
    const tall = value === 0 ? 0 : Math.max(2, size);
    const kind = value === undefined ? 'unknown' : 'bar';
    return html`<rect class="${kind}" x="${x + 2}" y="${base - tall}" width="${Math.round((step - 4) * 10) / 10}" height="${tall}"><title>${title}</title></rect>${
      label !== undefined && html`<text${place(index)} x="${textAt(index)}" y="${height - 8}">${label}</text>`
    }`;
  });
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${summary}">
<line x1="0" y1="${base}" x2="${width}" y2="${base}"/>
<text class="first" x="0" y="${room - 6}">${most}</text>
${drawn}
</svg>`;
}
