// Node's handle of a client's HTTP/2 stream outlives the stream until V8 marks its whole heap: a scavenge spares what has a native part
// and properties. The handle holds the stream, and the stream what listened on it: grpc-js' call, and with it the bytes of its messages.
// Of calls that carry images that is 64 MiB before V8 marks, and the allocator keeps what it took for them.

import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';

const ignore = (): void => undefined;

/**
 * Drops what listens on streams of this process' HTTP/2 clients once they have ended, so that the next scavenge frees the call. grpc-js
 * offers no way to the streams of a channel. For a program, not for a library. @returns what undoes it for later connections
 */
export function dropEndedStreams(): () => void {
  const { connect } = http2;
  const watched = (...settings: Parameters<typeof connect>): ClientHttp2Session => {
    const session = connect(...settings);
    const request = session.request.bind(session);
    session.request = (...headers) => dropWhenClosed(request(...headers));
    return session;
  };
  Object.assign(http2, { connect: watched });
  return () => void Object.assign(http2, { connect });
}

function dropWhenClosed(stream: ClientHttp2Stream): ClientHttp2Stream {
  // After all that is told of the end.
  const drop = (): void => void stream.removeAllListeners().on('error', ignore);
  return stream.once('close', () => setImmediate(drop));
}
