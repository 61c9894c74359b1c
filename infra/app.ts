import { App } from 'aws-cdk-lib';
import { loadConfig } from './config.ts';
import { NotifierStack } from './notifier-stack.ts';

const app = new App();
new NotifierStack(app, 'TransferNotifier', { config: loadConfig('notifier.config.json') });
