/** A test that an implementation is known to fail, because it does something else than AWS. */
export interface Difference {
  /** Name of the implementation. */
  readonly of: string;
  /** The test's full title, or its beginning where all tests of a block differ. */
  readonly test: string;
  readonly reason: string;
}

export const differences: readonly Difference[] = [
  {
    of: 'moto',
    test: 'GET /events refuses malformed cursors, and the cursor of another list',
    reason: 'moto takes any row as the place to begin a query at; DynamoDB refuses one of another partition',
  },
  {
    of: 'moto',
    test: 'paginate refuses a cursor that the database refuses',
    reason: 'moto takes any row as the place to begin a query at; DynamoDB refuses one of another partition',
  },
  {
    of: 'moto',
    test: 'GET /services lists tables, queues with their messages, and topics with their subscriptions',
    reason: 'moto counts no confirmed subscriptions',
  },
  {
    of: 'moto',
    test: 'the cost of a pull is one read unit while nothing is new, and five at most',
    reason: 'moto counts a whole unit for a query of an index; DynamoDB counts half a one',
  },
  {
    of: 'moto',
    test: 'a pull waits as long as it says, a look a second for one read unit, however old its cursor',
    reason: 'moto counts a whole unit for a query of an index; DynamoDB counts half a one',
  },
  {
    of: 'moto',
    test: 'an explanation for at most five read units ',
    reason: 'moto counts the units of a query by another rule, and these decide how much is read',
  },
  {
    of: 'moto',
    test: 'the bounds of a whole explanation let it say unknown of a delivery that it has not read',
    reason: 'moto counts the units of a query by another rule, and these decide how much is read',
  },
  {
    of: 'moto',
    test: 'what an explanation reads and shows is at most five read units of a usual transfer: four events, three subscribers, a digest',
    reason: 'moto counts the units of a query by another rule, and these decide how much is read',
  },
];
