// A gRPC server in process, for tests of what every service shares.

import pino from 'pino';
import type { ServiceRegistration } from '../../services/common/grpc/handlers';
import { Health } from '../../services/common/grpc/health';
import { RpcServer, type RpcServerConfig, type ServerExtras } from '../../services/common/grpc/server';
import type { Logger } from '../../services/common/logging';
import { Telemetry } from '../../services/common/telemetry';

export const SERVER_CONFIG: RpcServerConfig = {
  address: '127.0.0.1:0',
  maxMessageBytes: 64 * 1024 * 1024,
  flowControlWindowBytes: 4 * 1024 * 1024,
  maxConcurrentStreams: 100,
  maxConnectionAgeMs: 300_000,
  streamHeartbeatMs: 15_000,
  maxConnectionAgeGraceMs: 300_000,
};

export interface TestServer {
  address: string;
  server: RpcServer;
  health: Health;
  telemetry: Telemetry;
  /** What was logged, parsed. */
  lines: Record<string, unknown>[];
}

export function memoryLogger(lines: Record<string, unknown>[]): Logger {
  return pino(
    { level: 'debug' },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
}

/** Starts a server; `make` gets its logger. The caller drains it. */
export async function startServer(
  make: (log: Logger) => ServiceRegistration[],
  config: Partial<RpcServerConfig> = {},
  extras: ServerExtras = {},
): Promise<TestServer> {
  const lines: Record<string, unknown>[] = [];
  const log = memoryLogger(lines);
  const telemetry = new Telemetry('test');
  const health = new Health();
  const server = new RpcServer({ ...SERVER_CONFIG, ...config }, log, telemetry, make(log), health, extras);
  return { address: await server.listen(), server, health, telemetry, lines };
}

/** Waits for something that has no event, e.g. a log line written after the answer. */
export async function eventually<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error('what the test waits for did not happen');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
