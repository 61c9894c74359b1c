export interface Prompts {
  /** True for yes; Enter means no. */
  confirm(question: string): Promise<boolean>;
  input(question: string): Promise<string>;
  /** Echoes nothing, not even the length. */
  secret(question: string): Promise<string>;
}

/** Asks on stderr, so that results can be piped. */
export const terminalPrompts: Prompts = {
  async confirm(message) {
    const { default: confirm } = await import('@inquirer/confirm');
    return confirm({ message, default: false }, { output: process.stderr });
  },
  async input(message) {
    const { default: input } = await import('@inquirer/input');
    return input({ message, required: true }, { output: process.stderr });
  },
  async secret(message) {
    const { default: password } = await import('@inquirer/password');
    return password({ message, toggleMask: false }, { output: process.stderr });
  },
};

/** True when Ctrl-C ended a question. */
export const isLeft = ({ name }: Error): boolean => name === 'ExitPromptError';
