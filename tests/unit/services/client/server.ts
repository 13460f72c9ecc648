// A server in process whose methods a test writes, and the client that asks it.

import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Logger } from '../../../../services/common/logging';
import { serviceDefinition } from '../../../../services/common/grpc/proto';
import { AutomedClient, type ClientOptions } from '../../../../services/client';
import { startServer } from '../../../support/grpc';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

/**
 * Serves services, by full name, until the test has ended.
 * @param way what the client calls instead of the server's address
 * @returns a client of them
 */
export async function served(
  services: Record<string, (log: Logger) => UntypedServiceImplementation>,
  options: ClientOptions = {},
  way: (address: string) => Promise<string> = (address) => Promise.resolve(address),
): Promise<AutomedClient> {
  const { address, server } = await startServer((log) =>
    Object.entries(services).map(([name, make]) => ({
      name,
      definition: serviceDefinition(name),
      implementation: make(log),
    })),
  );
  const client = new AutomedClient(await way(address), options);
  cleanUp.push(
    () => server.drain(0),
    () => client.close(),
  );
  return client;
}
