import { STATUS_CODES } from 'node:http';
import * as z from 'zod/mini';
import type { Operation } from '#functions/operator/api/operation.ts';
import { answers, problemSchema } from '#infra/api/answers.ts';
import { ownFailures, summaries } from '#infra/api/documentation.ts';
import manifest from '../../package.json' with { type: 'json' };

/** Failures that every operation can answer with. */
const everyones = [400, 401, 403, 413, 500, 503];

/** Makes the OpenAPI 3.1 document of operations from the schemas that read their requests. */
export function openApiDocument(operations: readonly Operation[]) {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    paths[operation.path] ??= {};
    paths[operation.path]![operation.method.toLowerCase()] = documented(operation);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Transfer Notifier',
      version: manifest.version,
      description:
        'Times are ISO 8601. On AWS, requests are signed by Signature Version 4 for the service lambda; in the local run they carry the bearer token in its operator.json.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: { Problem: jsonSchemaOf(problemSchema) },
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: 'Signature Version 4 for the service lambda',
        },
        local: { type: 'http', scheme: 'bearer', description: 'The token in operator.json, in the local run' },
      },
    },
    security: [{ sigv4: [] }, { local: [] }],
  };
}

function documented({ id, params, query, body, status }: Operation): object {
  const answer = (answers as Readonly<Record<string, z.ZodMiniType>>)[id];
  const failures = (ownFailures as Readonly<Record<string, readonly number[]>>)[id] ?? [];
  const statuses = [...everyones, ...failures].sort((a, b) => a - b);
  return {
    operationId: id,
    summary: (summaries as Readonly<Record<string, string>>)[id],
    parameters: [...parameters('path', params), ...parameters('query', query)],
    ...(body && {
      requestBody: {
        required: !body.safeParse({}).success,
        content: { 'application/json': { schema: jsonSchemaOf(body) } },
      },
    }),
    responses: {
      [status]: {
        description: STATUS_CODES[status] ?? '',
        ...(answer && { content: { 'application/json': { schema: jsonSchemaOf(answer) } } }),
      },
      ...Object.fromEntries(statuses.map((failure) => [failure, problemResponse(failure)])),
    },
  };
}

const problemResponse = (status: number): object => ({
  description: STATUS_CODES[status] ?? '',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

function parameters(place: 'path' | 'query', schema: z.ZodMiniObject): object[] {
  const { properties = {}, required = [] } = jsonSchemaOf(schema);
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }));
}

/** Describes the input side of a schema: the form of requests, and also of answers. */
function jsonSchemaOf(schema: z.ZodMiniType): z.core.JSONSchema.JSONSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}
