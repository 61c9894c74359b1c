/** Client id and token that the simulated server accepts for every mailbox of the benchmark. */
export const clientId = 'benchclientid'.repeat(4);
export const token = 'example-token';
