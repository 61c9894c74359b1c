export const usualConfigFile = 'notifier.config.json';
export const usualStack = 'TransferNotifier';
export const usualDataFolder = 'data';
