/** Region and account of everything the template declares. */
export const region = 'us-east-1';
export const account = '000000000000';

const pseudoParameters: Readonly<Record<string, string>> = {
  'AWS::Region': region,
  'AWS::AccountId': account,
  'AWS::Partition': 'aws',
  'AWS::StackName': 'TransferNotifier',
  'AWS::URLSuffix': 'amazonaws.com',
};

/** What a resource is known by once it is created. */
export interface ResourceValues {
  /** What `Ref` gives. */
  readonly ref: string;
  readonly arn: string;
}

/** Fills in what a template leaves to CloudFormation. */
export class TemplateValues {
  private readonly resources = new Map<string, ResourceValues>();

  set(logicalId: string, values: ResourceValues): void {
    this.resources.set(logicalId, values);
  }

  /** @throws Error when no such resource was created */
  of(logicalId: string): ResourceValues {
    const values = this.resources.get(logicalId);
    if (!values) throw new Error(`nothing is known of the resource ${logicalId}`);
    return values;
  }

  /**
   * A value of the template as text.
   *
   * @throws Error for an intrinsic function that is not known here, or one that asks for something unknown
   */
  text(value: unknown): string {
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    const entries = Object.entries(value ?? {});
    const [name, argument] = entries[0] ?? [];
    if (entries.length !== 1) throw new Error(`expected a text or an intrinsic function: ${JSON.stringify(value)}`);
    switch (name) {
      case 'Ref':
        return pseudoParameters[argument as string] ?? this.of(argument as string).ref;
      case 'Fn::GetAtt': {
        const [logicalId, attribute] = argument as [string, string];
        if (attribute !== 'Arn') throw new Error(`the attribute ${attribute} of ${logicalId} is not known`);
        return this.of(logicalId).arn;
      }
      case 'Fn::Join': {
        const [separator, parts] = argument as [string, unknown[]];
        return parts.map((part) => this.text(part)).join(separator);
      }
      case 'Fn::Sub':
        return (argument as string).replaceAll(/\$\{([^}]+)\}/g, (_, Ref) => this.text({ Ref }));
      default:
        throw new Error(`the function ${name} is not known`);
    }
  }
}
