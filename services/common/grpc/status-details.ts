import { Any } from 'nice-grpc-error-details/lib/proto/google/protobuf/any';

/** Trailer with google.rpc.Status. */
export const DETAILS_KEY = 'grpc-status-details-bin';

interface DetailType<T> {
  readonly $type: string;
  encode(message: T): { finish(): Uint8Array };
  decode(input: Uint8Array): T;
}

/** One detail of a google.rpc.Status. */
export function pack<T>(type: DetailType<T>, message: T): Any {
  return Any.fromPartial({ typeUrl: `type.googleapis.com/${type.$type}`, value: type.encode(message).finish() });
}

/** The first detail of a type, if there is one. */
export function unpack<T>(details: readonly Any[], type: DetailType<T>): T | undefined {
  const found = details.find((detail) => detail.typeUrl.endsWith(`/${type.$type}`));
  return found && type.decode(found.value);
}
