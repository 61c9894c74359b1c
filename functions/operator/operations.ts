import { deliveryOperations } from './deliveries.ts';
import { endpointRecoveryOperations } from './endpoint-recovery.ts';
import { endpointOperations } from './endpoints.ts';
import { eventOperations } from './events.ts';
import { mailboxOperations } from './mailboxes.ts';
import type { Operation } from './operation.ts';
import { showServices } from './services.ts';
import { showStatus } from './status.ts';
import { listTransfers } from './transfers.ts';
import { watchOperations } from './watches.ts';

/** Everything that an operator can have done. */
export const operations: readonly Operation[] = [
  showStatus,
  showServices,
  ...watchOperations,
  listTransfers,
  ...mailboxOperations,
  ...endpointOperations,
  ...endpointRecoveryOperations,
  ...eventOperations,
  ...deliveryOperations,
];
