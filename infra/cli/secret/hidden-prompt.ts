import password from '@inquirer/password';
import type { Ask } from './fill-secret.ts';

/** Asks on a terminal and echoes nothing, not even the length. */
export const hiddenPrompt: Ask = (message) => password({ message, toggleMask: false });

/** True when Ctrl-C ended a question. */
export const isLeft = ({ name }: Error): boolean => name === 'ExitPromptError';
