/**
 * Has `NO_COLOR` win over `FORCE_COLOR`, as no-color.org wants it: Node.js would print colours and a warning. Call it
 * before anything is printed or coloured.
 */
export function heedNoColor(environment: NodeJS.ProcessEnv): void {
  if (environment.NO_COLOR) delete environment.FORCE_COLOR;
}
