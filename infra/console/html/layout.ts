import { languages } from '#functions/notices/words/words.ts';
import { type Html, html } from './html.ts';
import { type PageRequest, type Section, sections, type View } from './page.ts';

const addresses: Readonly<Record<Section, string>> = {
  overview: '/',
  transfers: '/transfers',
  watches: '/watches',
  webhooks: '/webhooks',
  notices: '/notices',
  doctor: '/doctor',
};

type Framed = Pick<PageRequest, 'words' | 'mayChange' | 'url' | 'now'>;

/** A whole page: a view with navigation around it. */
export function pageHtml(request: Framed, { title, section, main, isLive = false }: View): Html {
  const { words, mayChange, now } = request;
  const { say, language } = words;
  const at = words.time(now().toISOString());
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
<title>${title} · Transfer Notifier</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
<script src="/console.js" defer></script>
</head>
<body>
<a class="skip" href="#main">${say('skip')}</a>
<header>
<a class="brand" href="/">Transfer Notifier</a>
<nav aria-label="${say('navigation')}">
<ul>${sections.map((one) => navigationItem(say(`section.${one}`), addresses[one], one === section))}</ul>
</nav>
<p class="mode">${mayChange ? say('mode.changes') : say('mode.read-only')}</p>
</header>
<main id="main" tabindex="-1"${isLive && html` data-live`}>
${main}
</main>
<p class="live" role="status" data-lost="${say('live.lost', { time: at })}" data-late="${say('live.late', { time: at })}" data-back="${say('live.back')}"></p>
<footer>
<nav aria-label="${say('languages')}"><ul>${languages.map((one) => languageItem(request, one))}</ul></nav>
<p>${isLive && say('live.on')} ${say('times', { zone: words.timeZone })}</p>
</footer>
</body>
</html>
`;
}

const navigationItem = (label: string, address: string, isCurrent: boolean): Html =>
  html`<li><a href="${address}"${isCurrent && html` aria-current="page"`}>${label}</a></li>`;

const endonyms: Readonly<Record<string, string>> = { en: 'English', de: 'Deutsch' };

function languageItem({ words, url }: Framed, language: string): Html {
  const label = endonyms[language];
  if (words.language === language) return html`<li lang="${language}" aria-current="true">${label}</li>`;
  const there = new URL(url);
  there.searchParams.set('language', language);
  const address = `${there.pathname}${there.search}`;
  return html`<li><a href="${address}" lang="${language}" hreflang="${language}">${label}</a></li>`;
}
