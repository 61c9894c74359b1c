import password from '@inquirer/password';
import type { Ask } from './fill-secret.ts';

/** Asks on a terminal and shows nothing of what is typed, not even its length. */
export const hiddenPrompt: Ask = (message) => password({ message, toggleMask: false });

/** Whether an error says that a question was left by Ctrl-C. */
export const isLeft = ({ name }: Error): boolean => name === 'ExitPromptError';
