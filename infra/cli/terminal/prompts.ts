/** Asks a person. */
export interface Prompts {
  /** Whether something is to be done; Enter means no. */
  confirm(question: string): Promise<boolean>;
  /** Asks for one line. */
  input(question: string): Promise<string>;
}

/** Asks on the terminal, on the stream of errors, so that results can be piped. */
export const terminalPrompts: Prompts = {
  async confirm(message) {
    const { default: confirm } = await import('@inquirer/confirm');
    return confirm({ message, default: false }, { output: process.stderr });
  },
  async input(message) {
    const { default: input } = await import('@inquirer/input');
    return input({ message, required: true }, { output: process.stderr });
  },
};

/** Whether an error says that a question was left by Ctrl-C. */
export const isLeft = ({ name }: Error): boolean => name === 'ExitPromptError';
