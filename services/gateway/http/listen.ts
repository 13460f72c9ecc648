import { readFile } from 'node:fs/promises';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Channel, Client, credentials } from '@grpc/grpc-js';
import { isLoopback, parseAddress, withPort } from '../../common/address';
import { watchIdentity, type TlsFiles } from '../../common/grpc/tls';
import type { ServerDeps } from '../server';
import { buildHttp } from './server';

export interface HttpConfig {
  httpAddress: string;
  httpTimeoutMs: number;
  httpOrigins: readonly string[];
  httpFrameOrigins: readonly string[];
  tls?: TlsFiles;
}

export interface RunningHttp {
  /** `host:port` that is bound. */
  address: string;
  close(): Promise<void>;
}

/** Starts HTTP before the gateway's methods. */
export async function listenHttp(
  {
    config,
    log,
    services,
    access,
  }: Pick<ServerDeps, 'log' | 'services' | 'access'> & { config: ServerDeps['config'] & HttpConfig },
  channel: Channel,
): Promise<RunningHttp> {
  const client = new Client(channel.getTarget(), credentials.createInsecure(), { channelOverride: channel });
  const { certFile, keyFile, caFile } = config.tls ?? {};
  const secure =
    certFile === undefined || keyFile === undefined
      ? undefined
      : { cert: await readFile(certFile), key: await readFile(keyFile), ...(await clientAuthorities(caFile)) };
  const { maxMessageBytes, httpTimeoutMs: timeoutMs, httpOrigins: origins, httpFrameOrigins: frames } = config;
  const open = access === undefined && isLoopback(config.httpAddress);
  const app = await buildHttp({ client, services, maxMessageBytes, timeoutMs, origins, frames, open, log, secure });
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
    close: async () => {
      stopWatching?.();
      await app.close();
    },
  };
}

async function clientAuthorities(caFile: string | undefined) {
  return caFile === undefined ? {} : { ca: await readFile(caFile), requestCert: true, rejectUnauthorized: true };
}
