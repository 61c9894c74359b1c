import confirm from '@inquirer/confirm';
import input from '@inquirer/input';

/** Asks a person. */
export interface Prompts {
  /** Whether something is to be done; Enter means no. */
  confirm(question: string): Promise<boolean>;
  /** Asks for one line. */
  input(question: string): Promise<string>;
}

/** Asks on the terminal, on the stream of errors, so that results can be piped. */
export const terminalPrompts: Prompts = {
  confirm: (message) => confirm({ message, default: false }, { output: process.stderr }),
  input: (message) => input({ message, required: true }, { output: process.stderr }),
};

/** Whether an error says that a question was left by Ctrl-C. */
export const isLeft = ({ name }: Error): boolean => name === 'ExitPromptError';
