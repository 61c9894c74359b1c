import { Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Alias } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** Topic of the notifier, encrypted under the key that SNS has in every account at no cost. */
export class ServiceTopic extends Topic {
  /** @param what follows the stack's name, so that people can tell the mails of several notifiers apart */
  constructor(scope: Construct, id: string, what: string) {
    const stack = Stack.of(scope);
    super(scope, id, {
      displayName: `${(stack.nestedStackParent ?? stack).stackName} ${what}`,
      enforceSSL: true,
      masterKey: Alias.fromAliasName(scope, `${id}Key`, 'alias/aws/sns'),
    });
  }

  /** Grants no rights on the key, as every publisher may use the key of SNS. */
  override grantPublish(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({ grantee, actions: ['sns:Publish'], resourceArns: [this.topicArn] });
  }
}
