import type { Answers } from '#infra/api/answers.ts';

/** One page of a list; `next` is the cursor of the page after it. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
}

export type WatchResource = Answers['showWatch'];
export type BatchOfWatches = Answers['addWatches'];
export type TransferResource = Answers['listTransfers']['items'][number];
export type ExplanationResource = Answers['explainTransfer'];
export type PollFacts = Answers['pollWatch'];
export type VerificationResource = Answers['showVerification'];
export type NewVerification = Answers['verifyMailbox'];
export type EndpointResource = Answers['showEndpoint'];
export type EndpointWithSecret = Answers['addEndpoint'];
export type TemplateResource = Answers['showTemplate'];
export type Replayed = Answers['replayEndpoint'];
export type Forgotten = Answers['forgetMailbox'];
export type EventResource = Answers['listEvents']['items'][number];
export type AttemptResource = Answers['showDelivery']['attempts'][number];
/** A delivery; lists leave its attempts out. */
export type DeliveryResource = Answers['resendDelivery'] & Partial<Pick<Answers['showDelivery'], 'attempts'>>;
export type EventWithDeliveries = Answers['showEvent'];
export type Counted = Answers['showStatus']['deliveries']['held'];
export type ServicesResource = Answers['showServices'];
export type StatusResource = Answers['showStatus'];
