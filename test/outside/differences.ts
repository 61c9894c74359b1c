/** A test that an implementation is known to fail, because it does something else than AWS. */
export interface Difference {
  /** Name of the implementation. */
  readonly of: string;
  /** The test's full title. */
  readonly test: string;
  readonly reason: string;
}

export const differences: readonly Difference[] = [
  {
    of: 'moto',
    test: 'events are listed a cursor of another list is refused, and so is what is none',
    reason: 'moto takes any row as the place to begin a query at; DynamoDB refuses one of another partition',
  },
  {
    of: 'moto',
    test: 'a walk does not begin at a place that the database refuses',
    reason: 'moto takes any row as the place to begin a query at; DynamoDB refuses one of another partition',
  },
  {
    of: 'moto',
    test: 'tables, queues and topics that answer are told, with what is in the queues and who has subscribed',
    reason: 'moto counts no confirmed subscriptions',
  },
];
