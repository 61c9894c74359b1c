import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type Context, Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { type Language, wordsIn } from '#functions/notices/words/words.ts';
import { confirmation } from '#infra/console/html/confirmation.ts';
import { pageHtml } from '#infra/console/html/layout.ts';
import type { ConsoleSource, PageRequest, Routes, View } from '#infra/console/html/page.ts';
import { errorPage, problemPage } from '#infra/console/html/problem-page.ts';
import { consoleWords, isLanguage, preferredLanguage } from '#infra/console/words/words.ts';
import type { Admission } from './admission.ts';
import type { LiveFeed } from './live-feed.ts';

export interface AppOptions {
  readonly source: ConsoleSource;
  readonly admission: Admission;
  readonly feed: LiveFeed;
  readonly routes: Routes;
  /** Language of `--language`. @default the browser's */
  readonly language?: Language | undefined;
  readonly timeZone: string;
  /** Takes errors of the console itself. */
  readonly onFault: (error: Error) => void;
}

/**
 * Headers of every answer. Nothing runs or shows that this address has not served as a file. The referrer stays with this
 * address: without any, browsers would send the origin of forms as `null`.
 */
const headers = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

const policy = 'content-security-policy';

/** For a foreign document in a frame of this console: its styles show, and that is all. */
const documentPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox";

/** Most bytes of a form. */
const mostBytes = 64 * 1024;

const files = [
  ['style.css', 'text/css; charset=utf-8'],
  ['console.js', 'text/javascript; charset=utf-8'],
  ['icon.svg', 'image/svg+xml'],
] as const;

/** The console's pages; the guard of the loopback interface stands before it. */
export function consoleApp(options: AppOptions): Hono {
  const { admission, feed, routes, source } = options;
  const app = new Hono();
  const shown = (context: Context, view: View) => {
    const request = requestOf(options, context);
    if (!view.rest) {
      const page = sent(context, String(pageHtml(request, view)), 'text/html; charset=UTF-8', view.status);
      if (view.hasFrame) page.headers.set(policy, `${headers[policy]}; frame-src 'self'`);
      return page;
    }
    return context.body(streamedPage(request, view, view.rest, options.onFault), 200, {
      'content-type': 'text/html; charset=UTF-8',
    });
  };
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(headers)) {
      // A document, and a page with a frame, have another policy.
      if (!context.res.headers.has(name)) context.header(name, value);
    }
  });
  // The page for a wrong token needs them as well, and they tell nothing.
  for (const [name, type] of files) {
    const body = readFileSync(new URL(`assets/${name}`, import.meta.url), 'utf8');
    app.get(`/${name}`, (context) => sent(context, body, type));
  }
  app.use(admission.check((context) => shown(context, problemPage(requestOf(options, context).words, 'token'))));
  app.use(async (context, next) => {
    // Browsers say how long a form is. The rest of one that is too long is never read.
    if (Number(context.req.header('content-length') ?? 0) > mostBytes || context.req.header('transfer-encoding'))
      return problem(context, 'size');
    await next();
    return undefined;
  });
  app.get('/live', (context) => {
    // A request for headers alone would never read its stream.
    const stream = context.req.raw.method === 'GET' ? feed.open() : undefined;
    return stream
      ? context.body(stream, 200, { 'content-type': 'text/event-stream' })
      : context.text('too many live pages', 503);
  });
  app.use(async (context, next): Promise<Response | undefined> => {
    const language = context.req.query('language');
    if (context.req.method !== 'GET' || !isLanguage(language)) {
      await next();
      return undefined;
    }
    setCookie(context, languageCookie(context), language, { httpOnly: true, sameSite: 'Strict', path: '/' });
    const url = addressOf(context);
    url.searchParams.delete('language');
    return context.redirect(`${url.pathname}${url.search}`, 303);
  });
  for (const { path, show } of routes.pages)
    app.get(path, async (context) => shown(context, await show(requestOf(options, context))));
  for (const { path, make } of routes.documents)
    app.get(path, async (context) => {
      context.header(policy, documentPolicy);
      return sent(context, await make(requestOf(options, context)), 'text/html; charset=UTF-8');
    });
  for (const { path, ask, run } of routes.changes) {
    app.use(path, async (context, next) => {
      if (!source.mayChange) return problem(context, 'read-only');
      await next();
      return undefined;
    });
    app.get(path, async (context) => {
      const request = requestOf(options, context);
      return shown(context, confirmation(request, await ask(request)));
    });
    app.post(path, async (context) => {
      const form = await context.req.parseBody();
      const fields = Object.entries(form).filter((field): field is [string, string] => typeof field[1] === 'string');
      const { csrf, ...given } = Object.fromEntries(fields);
      if (!admission.isOwnForm(csrf)) return problem(context, 'form');
      const result = await run(requestOf(options, context), given);
      return typeof result === 'string' ? context.redirect(result, 303) : shown(context, result);
    });
  }
  const problem = (context: Context, name: Parameters<typeof problemPage>[1]) =>
    shown(context, problemPage(requestOf(options, context).words, name));
  app.notFound((context) => problem(context, 'address'));
  app.onError((error, context) => {
    const view = errorPage(requestOf(options, context), error);
    // A page that could not be made tries again; a form is not sent twice.
    const isLive = view.status === 502 && context.req.method === 'GET';
    if (view.status === 500) options.onFault(error);
    return shown(context, { ...view, isLive });
  });
  return app;
}

/** Sends a text, in a tenth of its bytes where the browser takes it: pages repeat themselves. */
function sent(context: Context, text: string, type: string, status: View['status'] = 200): Response {
  const [coding] = /\bgzip\b/.exec(context.req.header('accept-encoding') ?? '') ?? [];
  if (coding === undefined) return context.body(text, status, { 'content-type': type });
  return context.body(gzipSync(text), status, { 'content-type': type, 'content-encoding': coding });
}

/** A page whose rest is made while it arrives. A problem on the way is said where the page has got to. */
function streamedPage(
  request: PageRequest,
  view: View,
  rest: NonNullable<View['rest']>,
  onFault: (error: Error) => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const [head = '', tail = ''] = String(pageHtml(request, view)).split('</main>');
  let isGone = false;
  return new ReadableStream({
    async start(controller) {
      const write = (text: string) => {
        if (!isGone) controller.enqueue(encoder.encode(text));
      };
      write(head);
      try {
        await rest((part) => write(String(part)));
      } catch (error) {
        const problem = errorPage(request, error as Error);
        if (problem.status === 500) onFault(error as Error);
        write(String(problem.main));
      }
      write(`</main>${tail}`);
      if (!isGone) controller.close();
    },
    cancel() {
      isGone = true;
    },
  });
}

/** The address of a request. A path that begins with two slashes would be another host in a link. */
function addressOf(context: Context): URL {
  const url = new URL(context.req.url);
  url.pathname = url.pathname.replace(/^\/{2,}/, '/');
  return url;
}

const languageCookie = (context: Context): string => `notifier-console-language-${new URL(context.req.url).port}`;

function requestOf({ source, admission, language, timeZone }: AppOptions, context: Context): PageRequest {
  const chosen = getCookie(context, languageCookie(context));
  const spoken = isLanguage(chosen) ? chosen : (language ?? preferredLanguage(context.req.header('accept-language')));
  return {
    ...source,
    words: consoleWords(spoken, timeZone),
    notices: wordsIn(spoken, timeZone),
    url: addressOf(context),
    params: context.req.param() as Record<string, string>,
    csrf: admission.csrf,
  };
}
