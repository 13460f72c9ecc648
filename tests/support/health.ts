import { Client, credentials, status as Code } from '@grpc/grpc-js';
import { healthDefinition } from '../../services/common/grpc/health';

/** Asks grpc.health.v1 as a probe does: a status, or the name of the gRPC code of what failed. */
export function healthClient(
  address: string,
  by = credentials.createInsecure(),
): { check: (service: string) => Promise<string>; close: () => void } {
  const client = new Client(address, by);
  const { path, requestSerialize, responseDeserialize } = healthDefinition['Check']!;
  return {
    check: (service) =>
      new Promise((resolve) =>
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, answer) =>
          resolve(error ? (Code[error.code] ?? '') : (answer as { status: string }).status),
        ),
      ),
    close: () => client.close(),
  };
}
