import type { Metadata } from '@grpc/grpc-js';
import type { FastifyRequest } from 'fastify';
import { excerpt } from '../../common/bounded-text';
import { automedError } from '../../common/errors';
import { PEER_KEY } from '../../common/grpc/handlers';

/**
 * Sets a header field of HTTP in metadata of gRPC, where only printable ASCII is legal; `-bin` holds base64.
 * @throws InvalidInputError naming the field, not its value, which may be a credential
 */
export function setHeader(metadata: Metadata, name: string, value: string): void {
  try {
    metadata.set(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  } catch {
    const text = `The header ${excerpt(name)} has a character that is not printable ASCII, or a name that gRPC does not take.`;
    throw automedError('INVALID_ARGUMENT', text, { field: excerpt(name) });
  }
}

/** Says where a request came from, whatever its header says. */
export function setPeer(metadata: Metadata, { socket }: FastifyRequest): void {
  const { remoteAddress = 'unknown', remotePort } = socket;
  metadata.set(PEER_KEY, remotePort === undefined ? remoteAddress : `${remoteAddress}:${remotePort}`);
}
