import type { Words as NoticeWords } from '#functions/notices/words/words.ts';
import type { ApiClient, Query } from '#infra/cli/api/client.ts';
import type { Check } from '#infra/cli/doctor/check.ts';
import type { Words } from '#infra/console/words/words.ts';
import type { Html } from './html.ts';

/** The operator API as pages use it. Reads of the same moment are one request, however many pages are open. */
export interface PageApi extends Pick<ApiClient, 'address' | 'send'> {
  /** @param keptForMs milliseconds for which an answer serves further pages, where that is not the usual */
  get<T>(path: string, query?: Query, keptForMs?: (answer: T) => number | undefined): Promise<T>;
}

/** Runs the checks of `doctor`. @param onStep takes each step as it begins, in English */
export type RunChecks = (onStep: (step: string) => void) => Promise<readonly Check[]>;

/** Sources of all pages of a console. */
export interface ConsoleSource {
  readonly api: PageApi;
  /** True after `--allow-changes`. */
  readonly mayChange: boolean;
  readonly now: () => Date;
  /** Completes a command to type, for the same operator API. */
  readonly hint: (command: string) => string;
  readonly runChecks: RunChecks;
}

/** A request for a page: what it names, and what the page is made with. */
export interface PageRequest extends ConsoleSource {
  readonly words: Words;
  /** Words of the messages to readers, which tell events and causes. */
  readonly notices: NoticeWords;
  /** Path and query of the address. */
  readonly url: URL;
  /** Parts of the path that a route names, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Hidden field that proves that a form comes from this console. */
  readonly csrf: string;
}

/** Sections of the navigation, in its order. */
export const sections = ['overview', 'transfers', 'watches', 'webhooks', 'notices', 'doctor'] as const;

export type Section = (typeof sections)[number];

/** A page before its frame. */
export interface View {
  readonly title: string;
  readonly section?: Section | undefined;
  readonly main: Html;
  /** Makes the rest of the page while it arrives, part by part. */
  readonly rest?: (write: (part: Html) => void) => Promise<void>;
  /** @default 200 */
  readonly status?: 200 | 400 | 403 | 404 | 409 | 413 | 422 | 429 | 500 | 502;
  /** True when it renews itself as soon as there is news. */
  readonly isLive?: boolean;
  /** True when it shows a document of this console in a frame. */
  readonly hasFrame?: boolean;
}

/** A whole page of HTML that is not of this console, such as a mail. Nothing in it runs, loads or leads anywhere. */
export interface DocumentRoute {
  readonly path: string;
  make(request: PageRequest): Promise<string>;
}

/** A page: an address, such as `/transfers/:trackingId`, and what is there. */
export interface PageRoute {
  readonly path: string;
  show(request: PageRequest): Promise<View> | View;
}

/** A question before a change, with the command that does the same. */
export interface Question {
  readonly title: string;
  readonly section: Section;
  /** One sentence that says what will happen. */
  readonly question: string;
  /** Command without target, such as `endpoint pause crm`. */
  readonly command: string;
  /** Label of the button that does it. */
  readonly label: string;
  /** Where no one is harmed. */
  readonly back: string;
  /** More of the form, such as fields to fill in. */
  readonly fields?: Html | undefined;
}

/** A change: GET asks, POST does it. Both need `--allow-changes`. */
export interface ChangeRoute {
  readonly path: string;
  ask(request: PageRequest): Promise<Question> | Question;
  /** Does it. @returns the address to go on to, or a page that is shown once, as of a new secret */
  run(request: PageRequest, form: Readonly<Record<string, string>>): Promise<string | View>;
}

export interface Routes {
  readonly pages: readonly PageRoute[];
  readonly changes: readonly ChangeRoute[];
  readonly documents: readonly DocumentRoute[];
}
