// A server of grpc-js alone, whose one method takes bytes: the last answers, one before it passes the call on to a backend.

import { Client, credentials, Metadata, Server, ServerCredentials, type sendUnaryData } from '@grpc/grpc-js';
import { channelOptions } from '../../../services/common/grpc/client';
import { prepareConnections } from '../../../services/common/grpc/server';
import type { Listening } from '../../../services/common/lifecycle';
import { BARE_METHOD, bytes, WINDOW_BYTES } from './bare-method';

/** As large as the answer of a Segment. */
const ANSWER = Buffer.alloc(3_000, 1);

const [backend] = process.argv.slice(2);
const client = backend === undefined ? undefined : new Client(backend, credentials.createInsecure(), channelOptions());
const server = new Server({ 'grpc.max_receive_message_length': -1 });
prepareConnections(server, WINDOW_BYTES);
server.addService(
  { Ask: BARE_METHOD },
  {
    Ask: ({ request }: { request: Buffer }, callback: sendUnaryData<Buffer>): void => {
      if (!client) return callback(null, ANSWER);
      client.makeUnaryRequest(BARE_METHOD.path, bytes, bytes, request, new Metadata(), callback);
    },
  },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send?.({ type: 'listening', address: `127.0.0.1:${port}` } satisfies Listening);
});
// With the bench, however that ends.
process.once('disconnect', () => process.exit());
