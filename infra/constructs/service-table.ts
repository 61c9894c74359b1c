import { RemovalPolicy } from 'aws-cdk-lib';
import { type Attribute, AttributeType, Billing, ProjectionType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { KeyIndex } from '#functions/dynamodb/index-pages.ts';

const attributeTypes = { S: AttributeType.STRING, N: AttributeType.NUMBER };

const attribute = ([name, type]: KeyIndex['sortKey']): Attribute => ({ name, type: attributeTypes[type] });

/**
 * Table of the notifier: key `pk`, `sk`, billed on demand, with point-in-time recovery to the second. It is protected
 * from deletion, also with the stack: lost snapshots would mean silent new baselines, lost deliveries lost events.
 */
export class ServiceTable extends TableV2 {
  constructor(scope: Construct, id: string, indexes: readonly KeyIndex[] = []) {
    super(scope, id, {
      partitionKey: attribute(['pk', 'S']),
      sortKey: attribute(['sk', 'S']),
      billing: Billing.onDemand(),
      timeToLiveAttribute: 'expiresAt',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
      globalSecondaryIndexes: indexes.map(({ name, partitionKey, sortKey }) => ({
        indexName: name,
        partitionKey: attribute(partitionKey),
        sortKey: attribute(sortKey),
        projectionType: ProjectionType.KEYS_ONLY,
      })),
    });
  }

  /** Grants actions, for instance `Query`, on rows, but on no index. */
  grantRows(grantee: IGrantable, ...actions: string[]): Grant {
    const named = actions.map((action) => `dynamodb:${action}`);
    return Grant.addToPrincipal({ grantee, actions: named, resourceArns: [this.tableArn] });
  }

  grantIndex(grantee: IGrantable, { name }: KeyIndex): Grant {
    const resourceArns = [`${this.tableArn}/index/${name}`];
    return Grant.addToPrincipal({ grantee, actions: ['dynamodb:Query'], resourceArns });
  }
}
