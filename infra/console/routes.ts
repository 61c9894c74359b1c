import { guarded } from '#infra/console/changes/change.ts';
import type { Routes } from '#infra/console/html/page.ts';
import { doctorPages } from '#infra/console/pages/doctor.ts';
import { deliveryPages } from '#infra/console/pages/endpoints/deliveries.ts';
import { endpointPages } from '#infra/console/pages/endpoints/endpoint.ts';
import { endpointAdd } from '#infra/console/pages/endpoints/endpoint-add.ts';
import { endpointChanges } from '#infra/console/pages/endpoints/endpoint-changes.ts';
import { endpointDisable } from '#infra/console/pages/endpoints/endpoint-disable.ts';
import { endpointReplay } from '#infra/console/pages/endpoints/endpoint-replay.ts';
import { endpointRotate } from '#infra/console/pages/endpoints/endpoint-rotate.ts';
import { endpointListPages } from '#infra/console/pages/endpoints/endpoints.ts';
import { previewDocuments, previewPages } from '#infra/console/pages/endpoints/preview.ts';
import { overviewPages } from '#infra/console/pages/overview.ts';
import { transferPages } from '#infra/console/pages/transfer.ts';
import { verificationChanges } from '#infra/console/pages/watches/verification.ts';
import { watchAdd } from '#infra/console/pages/watches/watch-add.ts';
import { watchChanges } from '#infra/console/pages/watches/watch-changes.ts';
import { watchesPages } from '#infra/console/pages/watches/watches.ts';

const inputChanges = [watchAdd, endpointAdd, endpointDisable, endpointReplay, endpointRotate];

/** All pages and changes of the console. */
export const routes: Routes = {
  pages: [
    ...overviewPages,
    ...transferPages,
    ...watchesPages,
    ...endpointListPages,
    ...endpointPages,
    ...previewPages,
    ...deliveryPages,
    ...inputChanges.map(({ page }) => page),
    ...doctorPages,
  ],
  documents: previewDocuments,
  changes: guarded([
    ...watchChanges,
    ...verificationChanges,
    ...endpointChanges,
    ...inputChanges.map(({ change }) => change),
  ]),
};
