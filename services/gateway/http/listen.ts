import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { parseAddress, withPort } from '../../common/address';
import { channelOptions } from '../../common/grpc/client';
import { watchIdentity, type TlsFiles } from '../../common/grpc/tls';
import { buildServer, type ServerDeps } from '../server';
import { buildHttp } from './server';

export interface HttpConfig {
  httpAddress: string;
  httpTimeoutMs: number;
  tls?: TlsFiles;
}

export interface RunningHttp {
  /** `host:port` that is bound. */
  address: string;
  close(timeoutMs: number): Promise<void>;
}

/** Streams of all HTTP callers together share one connection to the gateway's own server. */
const MAX_STREAMS = 100_000;

/** Starts HTTP before the gateway's methods. */
export async function listenHttp(deps: ServerDeps & { config: HttpConfig }): Promise<RunningHttp> {
  const { config, log, services } = deps;
  const folder = await mkdtemp(join(tmpdir(), 'automed-gateway-'));
  const address = `unix:${join(folder, 'rpc.sock')}`;
  const inner = { ...config, address, healthAddress: 'off', tls: {}, maxConcurrentStreams: MAX_STREAMS };
  const rpc = buildServer({ ...deps, config: inner });
  await rpc.listen();
  const client = new Client(address, credentials.createInsecure(), channelOptions(config));

  const { certFile, keyFile, caFile } = config.tls ?? {};
  const secure =
    certFile === undefined || keyFile === undefined
      ? undefined
      : { cert: await readFile(certFile), key: await readFile(keyFile), ...(await clientAuthorities(caFile)) };
  const { maxMessageBytes } = config;
  const app = await buildHttp({ client, services, maxMessageBytes, timeoutMs: config.httpTimeoutMs, log, secure });
  const stopWatching =
    secure &&
    watchIdentity(
      { certFile, keyFile, caFile },
      (identity) => (app.server as TlsServer).setSecureContext({ ...secure, ...identity }),
      { onProblem: (err) => log.error({ event: 'tls-files', err }, 'certificates changed and do not hold') },
    );
  const { host, port } = parseAddress(config.httpAddress);
  await app.listen({ host, port });
  return {
    address: withPort(config.httpAddress, (app.server.address() as AddressInfo).port),
    close: async (timeoutMs) => {
      stopWatching?.();
      await Promise.all([app.close(), rpc.drain(timeoutMs)]);
      client.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function clientAuthorities(caFile: string | undefined) {
  return caFile === undefined ? {} : { ca: await readFile(caFile), requestCert: true, rejectUnauthorized: true };
}
