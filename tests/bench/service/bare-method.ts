import type { MethodDefinition } from '@grpc/grpc-js';

/** As the services grant it. */
export const WINDOW_BYTES = 4 * 1024 * 1024;

export const bytes = (value: Buffer): Buffer => value;

/** A unary method whose messages stay bytes. */
export const BARE_METHOD: MethodDefinition<Buffer, Buffer> = {
  path: '/bare.Bare/Ask',
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
};
