import type { NativeAttributeValue } from '@aws-sdk/util-dynamodb';

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** A row of a table: its keys and attributes as JavaScript values. */
export type Item = Record<string, NativeAttributeValue>;
