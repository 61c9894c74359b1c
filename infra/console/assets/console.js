// Renews pages that are live. Without this script every page still shows and does all, as of when it was loaded.

/** Milliseconds between two looks of a page that gets no stream of news. */
const pollMs = 15_000;

const main = document.querySelector('main[data-live]');
const remark = document.querySelector('p.live');
let stream;
let timer;
let isLate = false;

function say(text) {
  if (remark.textContent !== text) remark.textContent = text;
}

/** Says that what is shown is old; a page is never left to look current. */
function late(text) {
  isLate = true;
  document.documentElement.classList.add('late');
  say(text);
}

/** Replaces what has changed, and keeps the focus where it was. */
function show(next, isCurrent) {
  const title = main.querySelector('h1')?.textContent;
  const focused = main.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
  const parts = [...main.children];
  const isSame =
    parts.length === next.children.length && parts.every((part, at) => part.id && part.id === next.children[at].id);
  if (!isSame) main.innerHTML = next.innerHTML;
  else
    for (const [at, part] of parts.entries()) {
      const other = next.children[at];
      if (part.outerHTML !== other.outerHTML) part.replaceWith(document.importNode(other, true));
    }
  if (focused !== null && !main.contains(document.activeElement)) {
    [...main.querySelectorAll('a')]
      .find((link) => link.getAttribute('href') === focused)
      ?.focus({ preventScroll: true });
  }
  const now = main.querySelector('h1')?.textContent;
  if (isLate && isCurrent) say(remark.dataset.back);
  else if (now !== title) say(now);
  isLate = false;
  document.documentElement.classList.remove('late');
}

async function renew() {
  let answer;
  let page;
  try {
    answer = await fetch(location.href, { headers: { accept: 'text/html' } });
    page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  } catch {
    return late(remark.dataset.lost);
  }
  const next = page.querySelector('main');
  if (!next) return late(remark.dataset.lost);
  // A page about a problem never replaces what is known. A page that was one from the start shows the next problem.
  const [isProblem, wasProblem] = [next, main].map((part) => part.querySelector('[role=alert]') !== null);
  if (isProblem && !wasProblem) return late(next.querySelector('h1').textContent);
  Object.assign(remark.dataset, { ...page.querySelector('p.live')?.dataset });
  show(next, !isProblem);
}

function close() {
  stream?.close();
  stream = undefined;
  clearInterval(timer);
}

function open() {
  close();
  stream = new EventSource('/live');
  stream.addEventListener('news', renew);
  stream.addEventListener('late', () => late(remark.dataset.late));
  stream.addEventListener('error', () => {
    if (stream?.readyState === EventSource.CLOSED) {
      // There are as many streams as the console has.
      close();
      renew();
      timer = setInterval(renew, pollMs);
    } else late(remark.dataset.lost);
  });
  stream.addEventListener('open', () => {
    if (isLate) renew();
  });
}

if (main) {
  // A hidden page holds no connection: browsers have few of them for all pages together.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return close();
    renew();
    open();
  });
  if (!document.hidden) open();
}
