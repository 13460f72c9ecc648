// The port that senders connect to.

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterMs } from '../common/timers';
import type { PortTls } from './tls-files';
import { guard } from './connection-guard';
import { followFiles, portTls } from './port-identity';
import { StorageScp, type StorageDeps } from './storage-scp';

export interface ServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Connections at a time, and of one address. */
  maxConnections: number;
  maxConnectionsPerAddress: number;
  /** Absent: without TLS. */
  tls?: PortTls | undefined;
}

/** Listens for senders. */
export class StorageServer {
  private readonly connections = new Map<Socket, string>();
  private readonly server: Server;
  private readonly stopFollowing: () => void;

  constructor(
    private readonly options: ServerOptions,
    private readonly deps: StorageDeps,
  ) {
    const { tls } = options;
    const serve = (socket: Socket): void => this.serve(socket);
    if (tls) {
      const handshakeTimeout = deps.limits.associateMs;
      const server = createTlsServer({ ...portTls(tls), handshakeTimeout }, serve);
      server.on('tlsClientError', (_error, socket) => {
        socket.destroy();
        deps.cut('no-tls');
      });
      this.stopFollowing = followFiles(tls, server, deps.log);
      this.server = server;
    } else {
      this.stopFollowing = () => undefined;
      this.server = createServer(serve);
    }
    // Those who have not shown a certificate yet count as well.
    this.server.prependListener('connection', (socket: Socket) => this.count(socket));
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
    this.stopFollowing();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    const timer = afterMs(graceMs, () => this.connections.forEach((_, socket) => socket.destroy()));
    await closed;
    timer.cancel();
  }

  private count(socket: Socket): void {
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
  }

  private serve(socket: Socket): void {
    if (socket.destroyed) return;
    socket.on('error', () => socket.destroy());
    guard(socket, this.deps.limits, this.deps.cut);
    new StorageScp(socket, this.deps);
  }
}
