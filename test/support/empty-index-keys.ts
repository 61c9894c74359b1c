import {
  type AttributeValue,
  type CreateTableCommandInput,
  type DynamoDBClient,
  DynamoDBServiceException,
} from '@aws-sdk/client-dynamodb';

type Row = Record<string, AttributeValue>;

/** What the writing commands have in common, as far as this looks at it. */
interface Write {
  readonly TableName?: string;
  readonly Item?: Row;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeValues?: Row;
  readonly RequestItems?: Readonly<Record<string, readonly { readonly PutRequest?: { readonly Item?: Row } }[]>>;
}

/**
 * Has a client refuse an empty text as the key of an index, as DynamoDB does. The embedded database takes it.
 *
 * @param dynamo the client that creates the tables, so that it knows their indexes
 */
export function refuseEmptyIndexKeys(dynamo: DynamoDBClient): void {
  const indexKeys = new Map<string, ReadonlySet<string>>();
  dynamo.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName === 'CreateTableCommand') {
          const { TableName = '', GlobalSecondaryIndexes = [] } = args.input as CreateTableCommandInput;
          const names = GlobalSecondaryIndexes.flatMap(({ KeySchema = [] }) =>
            KeySchema.map((key) => key.AttributeName!),
          );
          indexKeys.set(TableName, new Set(names));
        }
        for (const [table, row] of writtenRows(args.input as Write)) {
          const empty = Object.keys(row).find((name) => row[name]?.S === '' && indexKeys.get(table)?.has(name));
          if (empty !== undefined) throw refusal(empty);
        }
        return next(args);
      },
    { step: 'initialize', name: 'emptyIndexKeys' },
  );
}

/** The attributes that a command writes, with the table of each row. */
function writtenRows({ TableName = '', Item, UpdateExpression, ExpressionAttributeValues, RequestItems }: Write) {
  const rows: [table: string, row: Row][] = [];
  if (Item) rows.push([TableName, Item]);
  if (UpdateExpression && ExpressionAttributeValues) {
    const assignments = UpdateExpression.matchAll(/(\w+) = (:\w+)/g);
    rows.push([
      TableName,
      Object.fromEntries([...assignments].map(([, name, at]) => [name, ExpressionAttributeValues[at!]!])),
    ]);
  }
  for (const [table, requests] of Object.entries(RequestItems ?? {})) {
    if (Array.isArray(requests))
      for (const { PutRequest } of requests) if (PutRequest?.Item) rows.push([table, PutRequest.Item]);
  }
  return rows;
}

/** As DynamoDB words it. */
const refusal = (name: string): DynamoDBServiceException =>
  new DynamoDBServiceException({
    name: 'ValidationException',
    $fault: 'client',
    $metadata: { httpStatusCode: 400 },
    message:
      'One or more parameter values are not valid. A value specified for a secondary index key is not supported. ' +
      `The AttributeValue for a key attribute cannot contain an empty string value. IndexKey: ${name}`,
  });
