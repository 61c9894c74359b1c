import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

/**
 * The only secret of the notifier: a JSON object whose fields replace environment variables of the same names. Secrets
 * Manager generates the key that encrypts the secrets of endpoints, unseen; the operator adds the other fields.
 */
export class NotifierSecret extends Secret {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      description: 'Transfer Notifier: credentials for the Cryptshare Server, the data key, secrets of endpoints',
      // Never change this: CloudFormation would overwrite the secret, and every field would be lost.
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'DATA_KEY',
        // 43 letters and digits are 32 bytes of base64.
        passwordLength: 43,
        excludePunctuation: true,
      },
      // Without the data key, the encrypted values in the table are lost. A failed first deployment may delete the
      // secret. It leaves tables that no later stack finds, with nothing worth a key.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions::AwsSolutions-SMG4',
      reason: 'the server issues the credentials, and a new data key could not open what the old one has encrypted',
    });
  }

  grantVariables(reader: LambdaFunction): Grant {
    const { region, urlSuffix } = this.stack;
    reader.addEnvironment('SECRET_ARN', this.secretArn);
    reader.addEnvironment('SECRET_URL', `https://secretsmanager.${region}.${urlSuffix}`);
    const actions = ['secretsmanager:GetSecretValue'];
    return Grant.addToPrincipal({ grantee: reader, actions, resourceArns: [this.secretArn] });
  }
}
