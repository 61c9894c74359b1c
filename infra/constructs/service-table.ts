import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, ProjectionType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** An index of a table, which holds nothing but keys. */
export interface KeyIndex {
  readonly name: string;
  readonly partitionKey: readonly [name: string, type: AttributeType];
  readonly sortKey: readonly [name: string, type: AttributeType];
}

/**
 * A table of the notifier: key `pk`, `sk`, paid for by use, with backups of every second, and safe from being deleted with
 * the stack or by a slip. Losing the snapshots would mean silent new baselines, losing the deliveries lost events.
 */
export class ServiceTable extends TableV2 {
  constructor(scope: Construct, id: string, indexes: readonly KeyIndex[] = []) {
    super(scope, id, {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      timeToLiveAttribute: 'expiresAt',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
      globalSecondaryIndexes: indexes.map(({ name, partitionKey, sortKey }) => ({
        indexName: name,
        partitionKey: { name: partitionKey[0], type: partitionKey[1] },
        sortKey: { name: sortKey[0], type: sortKey[1] },
        projectionType: ProjectionType.KEYS_ONLY,
      })),
    });
  }

  /**
   * Grants actions on rows, and on no index.
   *
   * @param actions for instance `Query`
   */
  grantRows(grantee: IGrantable, ...actions: string[]): Grant {
    return this.grantOn(this.tableArn, grantee, actions);
  }

  /** Grants to query one index. */
  grantIndex(grantee: IGrantable, index: string): Grant {
    return this.grantOn(`${this.tableArn}/index/${index}`, grantee, ['Query']);
  }

  private grantOn(resourceArn: string, grantee: IGrantable, actions: readonly string[]): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: actions.map((action) => `dynamodb:${action}`),
      resourceArns: [resourceArn],
    });
  }
}
