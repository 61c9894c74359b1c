/** Configuration file that is taken where none is named. */
export const usualConfigFile = 'notifier.config.json';

/** Name of the stack where the configuration names none. */
export const usualStack = 'TransferNotifier';

/** Folder in which a local run keeps its data where none is named. */
export const usualDataFolder = 'data';
