import { type Connection, connectionTo } from '#functions/cryptshare/connection.ts';
import { fieldsFor } from '#functions/cryptshare/details.ts';
import type { FollowingWatch } from '#functions/transfers/follow.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { clientId, token } from '#test/bench/processes/credentials.ts';

/** Rows requested per page: the most that the server gives. */
const pageSize = 100;

/** Milliseconds that a page may take. */
const timeoutMs = 60_000;

/** Bytes of an answer; a page of 100 rows has about 10,000. */
const maxAnswerBytes = 4 * 1024 * 1024;

interface Answer {
  readonly data: readonly { readonly trackingId: string; readonly status: { readonly state: string } }[];
}

/**
 * A Cryptshare Server read in the plainest way: page after page into a map. Uses the project's own connection, so that
 * HTTP costs all ways to poll the same.
 */
export class PlainServer {
  private readonly origin: string;
  private readonly connection: Connection;

  constructor(origin: string) {
    this.origin = origin;
    this.connection = connectionTo(origin);
  }

  /** Lists the states by tracking id. */
  async list(watch: Watch): Promise<Map<string, string>> {
    const listed = new Map<string, string>();
    for (let page = 1; ; page += 1) {
      const { data } = JSON.parse(await this.page(watch, page)) as Answer;
      for (const { trackingId, status } of data) listed.set(trackingId, status.state);
      if (data.length < pageSize) return listed;
    }
  }

  /** Reads the text of every page that has rows; of a watch that follows something, those of its active transfers. */
  async pages(watch: FollowingWatch): Promise<string[]> {
    const pages: string[] = [];
    for (;;) {
      const page = await this.page(watch, pages.length + 1);
      const { length } = (JSON.parse(page) as Answer).data;
      if (length > 0) pages.push(page);
      if (length < pageSize) return pages;
    }
  }

  /** Reads the text of one page, counted from 1, with the same fields as the project's own poll. */
  async page(watch: FollowingWatch, page: number): Promise<string> {
    const { path, headers } = this.requestOf(watch, page);
    const { status, body } = await this.connection.send({ path, headers }, timeoutMs, maxAnswerBytes);
    if (status !== 200) throw new Error(`the simulated server answers ${status}`);
    return body;
  }

  /** Makes the request for a page. */
  requestOf(watch: FollowingWatch, page: number) {
    const { mailbox, direction, follow } = watch;
    const query = new URLSearchParams({
      fields: fieldsFor(follow && watch),
      ...(follow && { active: 'true' }),
      page: String(page),
      'page-size': String(pageSize),
    });
    const path = `/api/users/${encodeURIComponent(mailbox)}/transfers/${direction}-transfers?${query}`;
    const headers = {
      'X-CS-MajorApiVersion': '1',
      'X-CS-MinimumMinorApiVersion': '12',
      'X-CS-ProductKey': 'api.rest',
      'X-CS-ClientId': clientId,
      'X-CS-VerificationToken': token,
    };
    return { url: `${this.origin}${path}`, path, headers };
  }

  /** Ends the kept connections. */
  close(): void {
    this.connection.close();
  }
}
