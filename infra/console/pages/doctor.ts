import type { Check } from '#infra/cli/doctor/check.ts';
import { badge, commandLine, type Tone } from '#infra/console/html/elements.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import type { PageRequest, PageRoute, View } from '#infra/console/html/page.ts';

export const doctorPages: readonly PageRoute[] = [
  { path: '/doctor', show: doctorPage },
  { path: '/doctor/run', show: runPage },
];

const tones: Readonly<Record<Check['outcome'], Tone>> = { ok: 'good', warn: 'warn', fail: 'bad' };

function doctorPage(request: PageRequest): View {
  const { say } = request.words;
  const title = say('section.doctor');
  const main = html`<h1>${title}</h1>
<p>${say('doctor.what')}</p>
<p>${say('doctor.asks')}</p>
${runForm(say('doctor.run'))}
<p>${say('change.command')}</p><p>${commandLine(request, 'doctor')}</p>`;
  return { title, section: 'doctor', main };
}

const runForm = (label: string): Html =>
  html`<form method="get" action="/doctor/run"><button type="submit">${label}</button></form>`;

/** Runs the checks while the page arrives: steps as they are made, then the results. */
function runPage({ words: { say }, runChecks }: PageRequest): View {
  const title = say('section.doctor');
  const main = html`<h1>${title}</h1>`;
  return {
    ...{ title, section: 'doctor', main },
    async rest(write) {
      write(html`<ol class="steps" lang="en" aria-label="${say('doctor.steps')}">`);
      const checks = await runChecks((step) => write(html`<li>${step}</li>`)).finally(() => write(html`</ol>`));
      const count = (wanted: Check['outcome']) => checks.filter(({ outcome }) => outcome === wanted).length;
      const counts = { ok: count('ok'), warn: count('warn'), fail: count('fail') };
      write(html`<section class="verdict ${counts.fail > 0 ? 'bad' : counts.warn > 0 ? 'warn' : 'good'}">
<div role="status"><h2>${say('doctor.result', { count: checks.length, ...counts })}</h2></div>
<ul class="findings" lang="en">${checks.map((check) => checkItem(say(`doctor.${check.outcome}`), check))}</ul>
</section>
${runForm(say('doctor.again'))}`);
    },
  };
}

const checkItem = (label: string, { name, outcome, message, remedy }: Check): Html =>
  html`<li>${badge(tones[outcome], label)} <strong>${name}</strong> ${message.split('\n').map((line) => html`<p>${line}</p>`)}${
    remedy !== undefined && html`<p class="said">→ ${remedy}</p>`
  }</li>`;
