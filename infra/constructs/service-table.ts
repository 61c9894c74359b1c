import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, ProjectionType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** Index of a table; it holds only keys. */
export interface KeyIndex {
  readonly name: string;
  readonly partitionKey: readonly [name: string, type: AttributeType];
  readonly sortKey: readonly [name: string, type: AttributeType];
}

/**
 * Table of the notifier: key `pk`, `sk`, billed on demand, with point-in-time recovery to the second. It is protected
 * from deletion, also with the stack: lost snapshots would mean silent new baselines, lost deliveries lost events.
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

  /** Grants actions, for instance `Query`, on rows, but on no index. */
  grantRows(grantee: IGrantable, ...actions: string[]): Grant {
    return this.grantOn(this.tableArn, grantee, actions);
  }

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
