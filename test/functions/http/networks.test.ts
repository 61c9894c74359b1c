import { expect, it } from 'vitest';
import { networks } from '#functions/http/networks.ts';

it.each(['10.0.0/8', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0', '::/129', 'fc00::/7x'])(
  'networks refuses the misspelt %s, which would otherwise be missing in a list of forbidden ones',
  (network) => expect(() => networks([network])).toThrow(),
);
