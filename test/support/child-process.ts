/** What every process that tests start has in its environment: Node compiles what they share only once. */
export const childEnvironment = {
  PATH: process.env.PATH,
  NODE_COMPILE_CACHE: 'node_modules/.cache/node-compile',
} as const;
