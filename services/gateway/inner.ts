import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Channel } from '@grpc/grpc-js';
import { openChannel } from '../common/grpc/client';
import type { ServiceRegistration } from '../common/grpc/handlers';
import { buildServer, type ServerDeps } from './server';

/** Streams of all callers together share one connection. */
const MAX_STREAMS = 100_000;

/**
 * The gateway's own methods over a socket that nobody else can open, for what speaks other protocols before them: routes, access,
 * limits, logs and metrics are then the same.
 */
export interface InnerServer {
  channel: Channel;
  close(timeoutMs: number): Promise<void>;
}

/** @param others services beside those that are relayed */
export async function openInner(deps: ServerDeps, others: readonly ServiceRegistration[]): Promise<InnerServer> {
  const folder = await mkdtemp(join(tmpdir(), 'automed-gateway-'));
  const address = `unix:${join(folder, 'rpc.sock')}`;
  const config = { ...deps.config, address, healthAddress: 'off', tls: {}, maxConcurrentStreams: MAX_STREAMS };
  const server = buildServer({ ...deps, config, behindOthers: true }, others);
  await server.listen();
  const channel = openChannel(address, deps.config);
  return {
    channel,
    close: async (timeoutMs) => {
      await server.drain(timeoutMs);
      channel.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
