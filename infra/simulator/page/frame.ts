import { readFileSync } from 'node:fs';
import { type Html, html, type Part } from '#infra/console/html/html.ts';

/** The look of the console. */
export const style = readFileSync(new URL('../../console/assets/style.css', import.meta.url), 'utf8');

/** Headers of every page: nothing runs, and nothing comes from elsewhere. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
} as const;

const sections = [
  ['/', 'Transfers'],
  ['/switches', 'Switches'],
  ['/verifications', 'Verifications'],
] as const;

export interface Page {
  readonly title: string;
  /** Address of its section. */
  readonly section: (typeof sections)[number][0];
  readonly main: Html;
}

/** A whole page. */
export function framed({ title, section, main }: Page): string {
  const links = sections.map(
    ([address, name]) =>
      html`<li><a href="${address}"${address === section && html` aria-current="page"`}>${name}</a></li>`,
  );
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - Simulated Cryptshare Server</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header><a class="brand" href="/">Simulated Cryptshare Server</a>
<nav aria-label="Sections"><ul>${links}</ul></nav></header>
<main id="main" tabindex="-1">
<h1>${title}</h1>
${main}
</main>
</body>
</html>`);
}

/** A form with one button. */
export const form = (action: string, label: string, fields: Part = ''): Html =>
  html`<form method="post" action="${action}" class="card input">${fields}<p class="buttons"><button>${label}</button></p></form>`;
