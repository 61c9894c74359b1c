import type { Routes } from '#infra/console/html/page.ts';
import { doctorPages } from '#infra/console/pages/doctor.ts';
import { overviewPages } from '#infra/console/pages/overview.ts';
import { transferPages } from '#infra/console/pages/transfer.ts';

/** All pages and changes of the console. */
export const routes: Routes = {
  pages: [...overviewPages, ...transferPages, ...doctorPages],
  changes: [],
};
