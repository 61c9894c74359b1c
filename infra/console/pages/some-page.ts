import type { Page } from '#infra/cli/api/resources.ts';
import type { PageApi } from '#infra/console/html/page.ts';

/** Most items of a page: with the longest addresses, more would exceed 60 KB. */
const perPage = 30;

/** Requests for one page. */
const mostRequests = 10;

/** Reads a page of a list. */
export const wholePage = <Item>(
  api: Pick<PageApi, 'get'>,
  list: string,
  cursor: string | undefined,
): Promise<Page<Item>> => api.get(list, { cursor, limit: String(perPage) });

/**
 * Searches a list for a page of wanted items. It may be empty and yet have a next one: a search has a limit.
 *
 * @param perRequest items of a request: many where most are not wanted, fewer where each may be large
 */
export async function somePage<Item>(
  api: Pick<PageApi, 'get'>,
  list: string,
  cursor: string | undefined,
  isWanted: (item: Item) => boolean,
  perRequest = perPage,
): Promise<Page<Item>> {
  let [next, limit] = [cursor, perRequest];
  for (let requests = 0; requests < mostRequests; requests += 1) {
    const page: Page<Item> = await api.get(list, { cursor: next, limit: String(limit) });
    const items = page.items.filter(isWanted);
    // Too many for one page: the same again, in smaller parts.
    if (items.length > perPage) limit = perPage;
    else if (items.length > 0 || page.next === undefined) return { items, next: page.next };
    else next = page.next;
  }
  return { items: [], next };
}
