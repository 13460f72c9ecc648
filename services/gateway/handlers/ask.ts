import { type Client, Metadata, status as Code, type StatusObject } from '@grpc/grpc-js';

/** A backend that is chosen for a call. */
export interface Chosen {
  client: Client;
  /** Aborts when the backend stops answering. */
  lost: AbortSignal;
  /** Of the one process. */
  address: string;
}

export interface Request {
  path: string;
  message: Buffer;
  metadata: Metadata;
  /** Milliseconds since the epoch; Infinity without one. */
  deadline: number;
}

/** What a backend answered. */
export interface Answer {
  status: StatusObject;
  header: Metadata | undefined;
  message: Buffer | undefined;
}

const identity = (bytes: Buffer): Buffer => bytes;

/** Asks one backend. Never rejects: every end is a status. */
export function ask(
  { client, lost }: Chosen,
  { path, message, metadata, deadline }: Request,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve) => {
    let header: Metadata | undefined;
    let received: Buffer | undefined;
    const options = Number.isFinite(deadline) ? { deadline } : {};
    const done = (_error: unknown, value?: Buffer): void => void (received = value);
    const upstream = client.makeUnaryRequest(path, identity, identity, message, metadata.clone(), options, done);
    const cancel = (): void => upstream.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    lost.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    upstream.on('metadata', (value: Metadata) => (header = value));
    upstream.on('status', (status: StatusObject) => {
      signal.removeEventListener('abort', cancel);
      lost.removeEventListener('abort', cancel);
      const gone = lost.aborted && !signal.aborted && status.code === Code.CANCELLED;
      // grpc-js tells the status before it calls back with the message.
      setImmediate(() => resolve({ status: gone ? goneStatus(status) : status, header, message: received }));
    });
  });
}

/** As the channel says it of a backend that it cannot reach. */
function goneStatus(status: StatusObject): StatusObject {
  return { ...status, code: Code.UNAVAILABLE, metadata: new Metadata() };
}
