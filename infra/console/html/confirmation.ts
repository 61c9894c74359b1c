import { commandLine } from './elements.ts';
import { html } from './html.ts';
import type { PageRequest, Question, View } from './page.ts';

/** The page that asks before a change, and names the command that does the same. */
export function confirmation(request: PageRequest, asked: Question): View {
  const { title, section, question, command, label, back, fields } = asked;
  const { words, url, csrf } = request;
  const main = html`<h1>${title}</h1>
<p class="question">${question}</p>
<form method="post" action="${url.pathname}${url.search}">
<input type="hidden" name="csrf" value="${csrf}">
${fields}
<p class="buttons"><button type="submit">${label}</button> <a href="${back}">${words.say('change.leave')}</a></p>
</form>
<p>${words.say('change.command')}</p>
<p>${commandLine(request, command)}</p>`;
  return { title, section, main };
}
