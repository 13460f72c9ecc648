// The port that senders connect to.

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { afterMs } from '../../../common/timers';
import { guard } from './connection-guard';
import { StorageScp, type StorageDeps } from './storage-scp';

export interface ServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Connections at a time, and of one address. */
  maxConnections: number;
  maxConnectionsPerAddress: number;
  /** Absent: without TLS. */
  tls?: TlsOptions | undefined;
}

/** Listens for senders. */
export class StorageServer {
  private readonly connections = new Map<Socket, string>();
  private readonly server: Server;

  constructor(
    private readonly options: ServerOptions,
    private readonly deps: StorageDeps,
  ) {
    const take = (socket: Socket): void => this.take(socket);
    this.server = options.tls ? createTlsServer(options.tls, take) : createServer(take);
  }

  /** Associations and connections that are about to be ones. */
  get connectionCount(): number {
    return this.connections.size;
  }

  /** Resolves to the port. */
  async listen(): Promise<number> {
    const { host, port } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host, port }, resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Accepts nobody any more; cuts those who are not done after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    const timer = afterMs(graceMs, () => this.connections.forEach((_, socket) => socket.destroy()));
    await closed;
    timer.cancel();
  }

  private take(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const { maxConnections, maxConnectionsPerAddress } = this.options;
    const same = [...this.connections.values()].filter((each) => each === address).length;
    socket.on('error', () => socket.destroy());
    if (this.connections.size >= maxConnections || same >= maxConnectionsPerAddress) {
      this.deps.log.warn({ event: 'connection-refused', connections: this.connections.size }, 'too many connections');
      socket.destroy();
      return;
    }
    this.connections.set(socket, address);
    socket.once('close', () => this.connections.delete(socket));
    guard(socket, this.deps.limits, this.deps.cut);
    new StorageScp(socket, this.deps);
  }
}
