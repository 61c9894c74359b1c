/** Default configuration file. */
export const usualConfigFile = 'notifier.config.json';

/** Default name of the stack. */
export const usualStack = 'TransferNotifier';

/** Default data folder of a local run. */
export const usualDataFolder = 'data';
