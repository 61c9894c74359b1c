import { Duration } from 'aws-cdk-lib';
import { Trigger } from 'aws-cdk-lib/triggers';
import { Construct } from 'constructs';
import { declarationsOf } from '#infra/config/declarations.ts';
import type { DeclareVariables } from '#infra/config/function-variables.ts';
import { taskFolder } from '#infra/constructs/bundle.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import type { SharedResources, TransferPoller } from './transfer-poller.ts';
import type { WebhookDelivery } from './webhook-delivery.ts';

const declaredFile = 'declared.json';

interface ConfigurationSyncProps extends SharedResources {
  readonly poller: TransferPoller;
  readonly delivery: WebhookDelivery;
}

/**
 * Writes the watches and endpoints of the configuration file to the tables whenever a deployment changes them. They
 * ship beside the function's code: their number has no limit, and a changed file is a changed function.
 */
export class ConfigurationSync extends Construct {
  readonly declare: ServiceFunction;

  constructor(scope: Construct, id: string, { config, secret, poller, delivery }: ConfigurationSyncProps) {
    super(scope, id);
    this.declare = new ServiceFunction(this, 'Declare', {
      entry: 'functions/declare/declare.lambda.ts',
      // The numbers tell the operator what a deployment would change.
      description: `Makes watches and endpoints what the configuration file says: watches ${config.watches.length}, endpoints ${config.webhooks.length}`,
      memorySize: 256,
      // Each of thousands of watches takes a write.
      timeout: Duration.minutes(5),
      environment: {
        TRANSFERS_TABLE: poller.transfers.tableName,
        ...delivery.variables,
        DECLARED_FILE: `${taskFolder}/${declaredFile}`,
      } satisfies Partial<DeclareVariables>,
      lostInvocations: 'a deployment waits for it, and fails with it',
      files: { [declaredFile]: JSON.stringify(declarationsOf(config), null, 1) },
    });
    secret.grantVariables(this.declare);
    poller.grantDeclare(this.declare);
    delivery.grantDeclare(this.declare);
    const deployed = new Trigger(this, 'Deployed', { handler: this.declare, timeout: Duration.minutes(6) });
    deployed.executeAfter(this.declare, poller, delivery, secret);
  }
}
