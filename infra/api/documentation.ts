import type { operations } from '#functions/operator/operations.ts';

type Id = (typeof operations)[number]['id'];

/** Summaries of operations, by id. */
export const summaries: Readonly<Record<Id, string>> = {
  showStatus: 'Shows watches, endpoints and deliveries in numbers',
  showServices: 'Checks that each table, queue and topic answers, and counts the messages of the queues',
  listWatches: 'Lists the watches, disabled ones included, in no particular order',
  addWatch: 'Adds a watch: one mailbox in one direction',
  addWatches: 'Adds many watches; existing ones, paused ones included, stay as they are',
  showWatch: 'Shows a watch',
  updateWatch: 'Changes the given settings of a watch; null returns one to its default, and `follow` to nothing',
  removeWatch: 'Removes a watch; its data is deleted after `retention.transfers` days of the configuration, usually 30',
  pauseWatch: 'Pauses a watch until it is resumed, whatever the configuration file declares',
  resumeWatch: 'Resumes a paused or disabled watch',
  pollWatch: 'Polls a watch now, even a disabled one; the answer has the outcome, of a failure as well',
  listTransfers:
    'Lists the known transfers of a watch with their state and its time, in no order; a short or empty page may have a next one',
  explainTransfer:
    'Explains why events about a transfer were sent or not: its life, and for each subscriber a verdict with its proof. It reads what is stored, up to the last second: for five read units, or for 250 with `all`. Where it leaves something out, the answer has `hasMore`',
  requestCode: 'Requests a mail with a verification code for a mailbox; it may invalidate earlier codes',
  verifyMailbox:
    'Verifies a mailbox by the mailed code, or without one by the client id, and polls it at once. After the client id, it also polls all others that failed for lack of verification',
  showVerification: 'Shows the verification of a mailbox, and how the Cryptshare Server can verify it',
  forgetMailbox:
    'Removes what is kept about a mailbox from some rows of the tables, and says where to continue; a dry run only counts. A run over all rows that finds nothing is the proof',
  listEndpoints: 'Lists the endpoints, without their secrets',
  addEndpoint: 'Adds an endpoint; its secret is shown only here',
  showEndpoint: 'Shows an endpoint, without its secrets',
  updateEndpoint: 'Changes the given settings of an endpoint; null removes a filter',
  removeEndpoint: 'Removes an endpoint; each of its waiting deliveries is cancelled once it is due',
  pauseEndpoint: 'Pauses an endpoint: its events are held until it is resumed and recovered',
  resumeEndpoint: 'Resumes a paused endpoint: it gets new events; held ones wait to be recovered',
  enableEndpoint: 'Enables an endpoint as if it had never failed; held events wait to be recovered',
  disableEndpoint: 'Disables an endpoint: its events are held until it is enabled and recovered',
  rotateSecret: 'Gives an endpoint a new secret, shown only here; the old one signs as well until its overlap ends',
  testEndpoint: 'Sends an endpoint a test event, whatever its types; the answer names the delivery',
  showTemplate: 'Shows the template of an endpoint, with the names of its variables but not their values',
  recoverEndpoint: 'Releases the events that were held while an endpoint was paused or disabled',
  replayEndpoint:
    'Delivers the events of a time range again, if their deliveries to this endpoint have ended or are held',
  listEvents:
    'Lists events, the newest first. With `after`, a time, it begins a pull instead: events since then in the order of storing, each once, however late some are stored. Then ask with `cursor` alone, beside the same filters, and `waitSeconds`; `next` is always there, and an answer without events is not the end',
  showEvent: 'Shows an event or a digest with its deliveries and their attempts',
  listDeliveries:
    'Lists deliveries, those of the newest events first; without endpoint, event or transfer, one endpoint after the other',
  showDelivery: 'Shows a delivery with its attempts',
  resendDelivery: 'Delivers an event again under the same id, if its delivery has ended or is held',
  cancelDelivery: 'Cancels a delivery that waits for its next attempt or is held',
};

/** Statuses of failures by operation id, besides those that every operation can answer with. */
export const ownFailures: { readonly [Each in Id]?: readonly number[] } = {
  addWatch: [409],
  showWatch: [404],
  updateWatch: [404],
  removeWatch: [404],
  pauseWatch: [404, 409],
  resumeWatch: [404, 409],
  pollWatch: [404, 502],
  listTransfers: [404],
  explainTransfer: [404],
  requestCode: [429, 502],
  verifyMailbox: [422, 429, 502],
  showVerification: [429, 502],
  forgetMailbox: [409],
  addEndpoint: [409],
  showEndpoint: [404],
  updateEndpoint: [404, 409],
  removeEndpoint: [404],
  pauseEndpoint: [404, 409],
  resumeEndpoint: [404, 409],
  enableEndpoint: [404, 409],
  disableEndpoint: [404, 409],
  rotateSecret: [404, 409],
  testEndpoint: [404],
  showTemplate: [404],
  recoverEndpoint: [404, 409],
  replayEndpoint: [404, 409],
  showEvent: [404],
  showDelivery: [404],
  resendDelivery: [404, 409],
  cancelDelivery: [404, 409],
};
