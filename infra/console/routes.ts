import { guarded } from '#infra/console/changes/change.ts';
import type { Routes } from '#infra/console/html/page.ts';
import { doctorPages } from '#infra/console/pages/doctor.ts';
import { overviewPages } from '#infra/console/pages/overview.ts';
import { transferPages } from '#infra/console/pages/transfer.ts';
import { verificationChanges } from '#infra/console/pages/watches/verification.ts';
import { watchAdd } from '#infra/console/pages/watches/watch-add.ts';
import { watchChanges } from '#infra/console/pages/watches/watch-changes.ts';
import { watchesPages } from '#infra/console/pages/watches/watches.ts';

/** All pages and changes of the console. */
export const routes: Routes = {
  pages: [...overviewPages, ...transferPages, ...watchesPages, ...doctorPages],
  changes: guarded([...watchChanges, watchAdd.change, ...verificationChanges]),
};
