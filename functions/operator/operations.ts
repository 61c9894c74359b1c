import { deliveryOperations } from '#functions/operator/operations/deliveries.ts';
import { endpointOperations } from '#functions/operator/operations/endpoints.ts';
import { eventOperations } from '#functions/operator/operations/events.ts';
import { explainTransfer } from '#functions/operator/operations/explain.ts';
import { mailboxOperations } from '#functions/operator/operations/mailboxes.ts';
import { showServices } from '#functions/operator/operations/services.ts';
import { showStatus } from '#functions/operator/operations/status.ts';
import { watchOperations } from '#functions/operator/operations/watches.ts';

export const operations = [
  showStatus,
  showServices,
  ...watchOperations,
  explainTransfer,
  ...mailboxOperations,
  ...endpointOperations,
  ...eventOperations,
  ...deliveryOperations,
];
