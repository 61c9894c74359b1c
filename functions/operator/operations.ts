import { deliveryOperations } from './deliveries.ts';
import { endpointRecoveryOperations } from './endpoint-recovery.ts';
import { endpointOperations } from './endpoints.ts';
import { eventOperations } from './events.ts';
import { mailboxOperations } from './mailboxes.ts';
import type { Operation } from './operation.ts';
import { serviceOperations } from './services.ts';
import { statusOperations } from './status.ts';
import { transferOperations } from './transfers.ts';
import { watchOperations } from './watches.ts';

/** Everything that an operator can have done. */
export const operations: readonly Operation[] = [
  ...statusOperations,
  ...serviceOperations,
  ...watchOperations,
  ...transferOperations,
  ...mailboxOperations,
  ...endpointOperations,
  ...endpointRecoveryOperations,
  ...eventOperations,
  ...deliveryOperations,
];
