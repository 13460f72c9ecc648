// A way to a server that breaks: connections are cut when a server has sent so much over each of them.

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface CutProxy {
  /** `host:port` */
  address: string;
  /** Connections that were cut so far. */
  cuts(): number;
  /** Cuts all connections now. */
  cut(): void;
  close(): void;
}

/** @param lengths of each connection, in turn: bytes that pass from the server to its client before it is cut; none after the last */
export async function cutProxy(target: string, lengths: readonly number[]): Promise<CutProxy> {
  const [host = '', port = ''] = target.split(':');
  const left = [...lengths];
  const sockets = new Set<Socket>();
  let cuts = 0;
  const cut = (): void => {
    cuts += 1;
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((inner) => {
    const outer = connect(Number(port), host);
    let budget = left.shift() ?? Infinity;
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes: Buffer) => {
        const passed = from === outer ? bytes.subarray(0, budget) : bytes;
        to.write(passed);
        if (from === inner) return;
        budget -= bytes.length;
        // What was written reaches the client before the end of the connection.
        if (budget <= 0) inner.end(() => cut());
      });
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => undefined);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    cut,
    close: () => {
      cut();
      server.close();
    },
  };
}
