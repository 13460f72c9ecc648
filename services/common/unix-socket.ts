import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/**
 * Removes the socket that a program ended by SIGKILL left at a path, so that the path can be bound again.
 * @throws Error named EADDRINUSE when a program listens there, EEXIST when the file is no socket; either stays as it is
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lookAt(path);
  if (!found) return;
  if (!found.isSocket()) throw new Error(`EEXIST: ${path} exists and is no socket`);
  const answer = await tryConnecting(path);
  if (answer === 'ENOENT') return;
  if (answer !== 'ECONNREFUSED') throw new Error(`EADDRINUSE: another program listens there (${answer})`);
  // Another program may have replaced it meanwhile, as this one is about to.
  const now = await lookAt(path);
  if (now && now.ino !== found.ino) throw new Error('EADDRINUSE: another program listens there');
  if (now) await unlink(path);
}

async function lookAt(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `connected`, or the code of the error: ECONNREFUSED where no process has the socket open, EAGAIN where its queue is full. */
function tryConnecting(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'error'));
  });
}
