import type { Routes } from '#infra/console/html/page.ts';
import { overviewPages } from '#infra/console/pages/overview.ts';

/** All pages and changes of the console. */
export const routes: Routes = {
  pages: [...overviewPages],
  changes: [],
};
