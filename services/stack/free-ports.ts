// Ports that are taken are found before anything is started, so that the message names the port and whose it is.

import { createServer } from 'node:net';

/** Ports that are tried, one after another. */
const TRIED = 100;
const LAST_PORT = 65_535;

/** Whether nobody listens there now; an error other than a taken port is left to who binds it. */
export function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The first of `count` free ports in a row, from `first` on; undefined when there are none nearby. */
export async function freePorts(host: string, first: number, count: number): Promise<number | undefined> {
  for (let port = first, free = 0; port < first + TRIED && port <= LAST_PORT; port += 1) {
    free = (await isFree(host, port)) ? free + 1 : 0;
    if (free === count) return port - count + 1;
  }
  return undefined;
}
