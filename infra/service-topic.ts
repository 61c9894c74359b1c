import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Alias } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** A topic on which the notifier announces, encrypted under the key that SNS has in every account at no cost. */
export class ServiceTopic extends Topic {
  constructor(scope: Construct, id: string, displayName: string) {
    super(scope, id, {
      displayName,
      enforceSSL: true,
      masterKey: Alias.fromAliasName(scope, `${id}Key`, 'alias/aws/sns'),
    });
  }

  /** Without rights on the key: whoever may publish may use that one. */
  override grantPublish(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({ grantee, actions: ['sns:Publish'], resourceArns: [this.topicArn] });
  }
}
