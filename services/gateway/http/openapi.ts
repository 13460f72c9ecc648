import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { packageVersion } from '../../common/installation';
import type { HttpMethod } from './api';

type Schema = Record<string, unknown>;

const NUMBERS: Readonly<Partial<Record<ScalarType, Schema>>> = {
  [ScalarType.DOUBLE]: { type: 'number', format: 'double' },
  [ScalarType.FLOAT]: { type: 'number', format: 'float' },
  [ScalarType.INT32]: { type: 'integer', format: 'int32' },
  [ScalarType.SINT32]: { type: 'integer', format: 'int32' },
  [ScalarType.SFIXED32]: { type: 'integer', format: 'int32' },
  [ScalarType.UINT32]: { type: 'integer', format: 'int64', minimum: 0 },
  [ScalarType.FIXED32]: { type: 'integer', format: 'int64', minimum: 0 },
  [ScalarType.BOOL]: { type: 'boolean' },
  [ScalarType.STRING]: { type: 'string' },
  [ScalarType.BYTES]: { type: 'string', format: 'byte' },
};

/** OpenAPI 3.1 of the methods, with the JSON of protobuf: bytes in base64, 64-bit numbers as strings, enums by name. */
export function openApi(methods: readonly HttpMethod[]): object {
  const schemas = new Map<string, Schema>();
  const paths = Object.fromEntries(
    methods.map(({ path, streams, descriptor }) => {
      const [service = '', method = ''] = path.split('/').slice(2);
      const answer = refer(descriptor.output, schemas);
      const operation = {
        operationId: `${service}.${method}`,
        tags: [service],
        requestBody: { required: true, content: { 'application/json': { schema: refer(descriptor.input, schemas) } } },
        responses: {
          200: {
            description: streams
              ? 'One event for each message; the event `end` or `error` is the last.'
              : 'The answer.',
            content: { [streams ? 'text/event-stream' : 'application/json']: { schema: answer } },
          },
          default: {
            description: 'An error.',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
          },
        },
      };
      return [path, { post: operation }];
    }),
  );
  schemas.set('Error', ERROR);
  return {
    openapi: '3.1.0',
    info: { title: 'Automed', version: packageVersion(), description: 'Research use; not a medical device.' },
    security: [{}, { bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
}

const ERROR: Schema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['status', 'reason', 'message'],
      properties: {
        status: { type: 'string' },
        reason: { type: 'string' },
        message: { type: 'string' },
        field: { type: 'string' },
        retryAfterMs: { type: 'integer' },
      },
    },
  },
};

/** A reference to a message's schema, which is put into `schemas` with all that it needs. */
function refer(message: DescMessage, schemas: Map<string, Schema>): Schema {
  const name = message.typeName;
  if (name === 'google.protobuf.Timestamp') return { type: 'string', format: 'date-time' };
  if (name === 'google.protobuf.Duration') return { type: 'string' };
  if (!schemas.has(name)) {
    const properties: Record<string, Schema> = {};
    // Before its fields, which may lead back to it.
    schemas.set(name, { type: 'object', properties });
    for (const field of message.fields) properties[field.jsonName] = fieldSchema(field, schemas);
  }
  return { $ref: `#/components/schemas/${name}` };
}

function fieldSchema(field: DescField, schemas: Map<string, Schema>): Schema {
  const one = (): Schema => {
    if (field.message) return refer(field.message, schemas);
    if (field.enum) return enumSchema(field.enum);
    return scalar(field.scalar);
  };
  if (field.fieldKind === 'list') return { type: 'array', items: one() };
  if (field.fieldKind === 'map') return { type: 'object', additionalProperties: one() };
  return one();
}

const scalar = (type: ScalarType | undefined): Schema =>
  NUMBERS[type ?? ScalarType.STRING] ?? { type: 'string', format: 'int64' };

const enumSchema = ({ values }: DescEnum): Schema => ({ type: 'string', enum: values.map(({ name }) => name) });
