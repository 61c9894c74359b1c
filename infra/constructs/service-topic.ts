import { Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Alias } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** A topic on which the notifier announces, encrypted under the key that SNS has in every account at no cost. */
export class ServiceTopic extends Topic {
  /** @param what stands after the stack's name, which tells mails of one notifier from those of another */
  constructor(scope: Construct, id: string, what: string) {
    super(scope, id, {
      displayName: `${Stack.of(scope).stackName} ${what}`,
      enforceSSL: true,
      masterKey: Alias.fromAliasName(scope, `${id}Key`, 'alias/aws/sns'),
    });
  }

  /** Without rights on the key: whoever may publish may use that one. */
  override grantPublish(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({ grantee, actions: ['sns:Publish'], resourceArns: [this.topicArn] });
  }
}
