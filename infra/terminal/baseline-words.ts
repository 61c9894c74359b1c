/** Progress of a baseline: `712 of 10,000`. */
export const baselineProgressWords = ({ stored, transfers }: { readonly stored: number; readonly transfers: number }) =>
  `${stored.toLocaleString('en')} of ${transfers.toLocaleString('en')}`;
