import type { Severity } from '#functions/events/catalogue.ts';
import { printable } from '#functions/notices/foreign-text.ts';
import type { Message, MessageLine } from '#functions/notices/message.ts';

/** Text that is HTML already. */
class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Content = string | Html | readonly Html[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes every value that is not HTML itself. */
const html = (parts: TemplateStringsArray, ...values: readonly Content[]): Html =>
  new Html(parts.reduce((text, part, index) => `${text}${shown(values[index - 1] ?? '')}${part}`));

function shown(value: Content): string {
  if (value instanceof Html) return value.text;
  if (typeof value !== 'string') return value.map(({ text }) => text).join('');
  return printable(value).replaceAll(/[&<>"']/g, (sign) => entities[sign]!);
}

/** Light colours stand in the elements, since some clients drop style sheets; dark ones in the style sheet. */
const dark = new Html(`:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background: #16181c !important; }
  .card { background: #22262c !important; color: #e6e8eb !important; }
  .soft { color: #a8b0ba !important; }
  .rule { border-color: #3a4048 !important; }
}`);

const font = new Html("font-family: -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif");
const mono = new Html("font-family: ui-monospace, Menlo, Consolas, 'Liberation Mono', monospace; font-size: 13px");
const soft = new Html('class="soft" style="color: #57606a"');

/** Colours that are told apart in the dark as well as in the light. */
const colours: Record<Severity, string> = { info: '#2f6feb', warning: '#c77700', alert: '#d1242f' };

/**
 * The mail of a message as one HTML page: tables and inline styles, which mail clients understand. It loads nothing and
 * has no links, so no text in it can lead anywhere.
 */
export function htmlMail({ language, severity, headline, sections, footer }: Message): string {
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<title>${headline}</title>
<style>${dark}</style>
</head>
<body class="page" style="margin: 0; padding: 0; background: #f0f2f5">
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="background: #f0f2f5"><tr><td align="center" style="padding: 16px 8px">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" style="max-width: 720px; background: #ffffff; color: #1f2328; border-top: 4px solid ${colours[severity]}; ${font}; font-size: 15px; line-height: 1.45"><tr><td style="padding: 20px 20px 16px; text-align: left; overflow-wrap: anywhere; word-break: break-word">
<h1 style="margin: 0 0 12px; font-size: 20px; line-height: 1.3">${headline}</h1>
${sections.map(sectionHtml)}${footerHtml(footer)}</td></tr></table>
</td></tr></table>
</body>
</html>
`.text;
}

function sectionHtml({ title, paragraphs, lines }: Message['sections'][number]): Html {
  const heading = title === '' ? '' : html`<h2 style="margin: 20px 0 4px; font-size: 16px">${title}</h2>\n`;
  const texts = paragraphs.map((text) => html`<p style="margin: 0 0 8px">${text}</p>\n`);
  const rows = lines.map(lineHtml);
  if (rows.length === 0) return html`${heading}${texts}`;
  return html`${heading}${texts}<table width="100%" cellpadding="0" cellspacing="0" style="border-collapse: collapse; font-size: 15px">
${rows}</table>
`;
}

/** Longest detail beside the words, in characters; a longer one gets a line of its own, as a tracking id does. */
const maxBeside = 60;

function lineHtml({ words, trackingId, detail }: MessageLine): Html {
  const isBelow = trackingId !== '' || detail.length > maxBeside;
  const id = isBelow ? html`<br><span style="${mono}">${trackingId}</span>` : '';
  const more = detail === '' ? '' : html` <span ${soft}>${detail}</span>`;
  return html`<tr><td class="rule" style="padding: 7px 0; border-top: 1px solid #d8dee4; text-align: left; vertical-align: top"><strong>${words}</strong>${id}${more}</td></tr>
`;
}

function footerHtml(footer: readonly string[]): Html {
  const texts = footer.map((text) => html`<p ${soft}>${text}</p>\n`);
  return html`<div class="rule" style="margin-top: 20px; padding-top: 4px; border-top: 1px solid #d8dee4; font-size: 13px">
${texts}</div>
`;
}
