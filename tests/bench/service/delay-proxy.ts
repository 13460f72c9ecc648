import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A connection as over a network: what goes through it arrives later, in order and at any rate. */
export class DelayProxy {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly address: string,
  ) {}

  /** @param oneWayMs delay of either direction */
  static async start(target: string, oneWayMs: number): Promise<DelayProxy> {
    const [host = '', port = ''] = target.split(':');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new DelayProxy(server, `127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('connection', (near) => {
      const far = connect(Number(port), host);
      for (const socket of [near, far]) {
        socket.setNoDelay(true);
        socket.on('error', () => undefined);
        proxy.sockets.add(socket);
      }
      // Timers of one length fire in the order in which they were set.
      const pass = (from: Socket, to: Socket): void => {
        from.on('data', (bytes) => setTimeout(() => to.writable && to.write(bytes), oneWayMs));
        from.on('close', () => setTimeout(() => to.destroy(), oneWayMs));
      };
      pass(near, far);
      pass(far, near);
    });
    return proxy;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}
