import type { Page } from '#infra/cli/api/resources.ts';
import type { PageApi } from '#infra/console/html/page.ts';

/** Most items of a page: with the longest addresses, more would exceed 60 KB. */
const perPage = '30';

/** Requests for one page, most of whose items may not be wanted. */
const mostRequests = 10;

/** A page of those items of a list that are wanted. It may be empty and yet have a next one: a search has a limit. */
export async function somePage<Item>(
  api: Pick<PageApi, 'get'>,
  list: string,
  cursor: string | undefined,
  isWanted: (item: Item) => boolean = () => true,
): Promise<Page<Item>> {
  let page: Page<Item> = { items: [], next: cursor };
  for (let requests = 0; requests < mostRequests; requests += 1) {
    page = await api.get<Page<Item>>(list, { cursor: page.next, limit: perPage });
    const items = page.items.filter(isWanted);
    if (items.length > 0 || page.next === undefined) return { ...page, items };
  }
  return { items: [], next: page.next };
}
