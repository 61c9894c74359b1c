import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

/**
 * The one secret of the notifier: a JSON object whose fields stand in for environment variables of the same names. The key
 * that seals the secrets of endpoints is made by Secrets Manager and never seen by anybody; the operator adds the rest.
 */
export class NotifierSecret extends Secret {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      description: 'Transfer Notifier: credentials for the Cryptshare Server, the data key, secrets of endpoints',
      // Changing anything of this makes CloudFormation overwrite the secret, which loses every field.
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'DATA_KEY',
        // 43 letters and digits are 32 bytes of base64.
        passwordLength: 43,
        excludePunctuation: true,
      },
      // Without the data key, what is encrypted in the table is lost. A first deployment that fails leaves tables which no later
      // stack finds, and nothing that is worth a key.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions::AwsSolutions-SMG4',
      reason: 'the server issues the credentials, and a new data key could not open what the old one has encrypted',
    });
  }

  /** Gives a function the fields of the secret as its variables. */
  grantVariables(reader: LambdaFunction): Grant {
    reader.addEnvironment('SECRET_ARN', this.secretArn);
    return Grant.addToPrincipal({
      grantee: reader,
      actions: ['secretsmanager:GetSecretValue'],
      resourceArns: [this.secretArn],
    });
  }
}
