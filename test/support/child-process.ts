import { resolve } from 'node:path';

/** Environment of processes that tests start: their code is compiled once, where the product keeps it, too. */
export const childEnvironment = {
  PATH: process.env.PATH,
  NODE_COMPILE_CACHE: resolve('node_modules/.cache/compiled'),
} as const;
