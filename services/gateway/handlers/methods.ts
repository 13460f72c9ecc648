import type { ServiceDefinition } from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';

/** What the gateway knows of a method. */
export interface Target {
  service: string;
  /** `/package.Service/Method` */
  path: string;
  /** Numbers of the fields that name models, the one that it is routed by first; empty when it is routed by its service alone. */
  modelFields: readonly number[];
  /** Number of the field `priority`; 0 without. */
  priorityField: number;
  /** Number of the field `image`; 0 without. */
  imageField: number;
  /** One request, one answer. */
  unary: boolean;
  /** Calling twice does no more than calling once. */
  idempotent: boolean;
  /** Something is different afterwards. */
  changes: boolean;
  /** What the audit log shows of a request. */
  read: (message: Buffer) => object;
}

type Described = Partial<MethodDefinition<object, object>>;

export function targetOf(service: string, definition: ServiceDefinition[string]): Target {
  const { path, requestStream, responseStream, requestDeserialize } = definition;
  // proto-loader adds types and options, which grpc-js's type of a definition lacks.
  const described = definition as Described;
  const level = described.options?.idempotency_level as string | undefined;
  return {
    service,
    path,
    modelFields: addressedModels(described),
    priorityField: numberOf(described, 'priority'),
    imageField: numberOf(described, 'image'),
    unary: !requestStream && !responseStream,
    idempotent: level !== undefined && level !== 'IDEMPOTENCY_UNKNOWN',
    changes: level !== 'NO_SIDE_EFFECTS',
    read: (message) => requestDeserialize(message) as object,
  };
}

/**
 * Numbers of the fields of a method's requests that name models: field 1 when it is `model`, by which the call is routed, then
 * `additional_models`; none when it is routed by its service alone.
 */
export function addressedModels(described: Described): number[] {
  const fields = fieldsOf(described);
  if (!fields.some(({ name, number }) => number === 1 && name === 'model')) return [];
  return [1, ...fields.filter(({ name }) => name === 'additionalModels').map(({ number }) => number)];
}

function numberOf(described: Described, wanted: string): number {
  return fieldsOf(described).find(({ name }) => name === wanted)?.number ?? 0;
}

function fieldsOf({ requestType }: Described): { name: string; number: number }[] {
  return ((requestType?.type ?? {}) as { field?: { name: string; number: number }[] }).field ?? [];
}
