// Proxies end a stream that is silent for a minute, whatever HTTP/2 pings say: those go from hop to hop. So a stream whose
// answers have a field `heartbeat` gets one of them where nothing else is to say.

import {
  ServerInterceptingCall,
  ServerListenerBuilder,
  type ServiceDefinition,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';
import { afterMs, type Alarm } from '../timers';

/** The streams whose answers have a field `heartbeat`: `/package.Service/Method`. */
export function streamsWithHeartbeat(definitions: readonly ServiceDefinition[]): ReadonlySet<string> {
  const methods = definitions.flatMap((definition) => Object.values(definition));
  const beating = methods.filter((method) => method.responseStream && fieldsOf(method).includes('heartbeat'));
  return new Set(beating.map(({ path }) => path));
}

/** Names of the fields of a method's answer, which proto-loader adds; a gateway's methods, whose messages stay bytes, have none. */
function fieldsOf(method: object): string[] {
  const { responseType } = method as { responseType?: MessageTypeDefinition<object, object> };
  const { field = [] } = (responseType?.type ?? {}) as { field?: { name: string }[] };
  return field.map(({ name }) => name);
}

/**
 * Sends a heartbeat on streams that said nothing for a while. None is added while the one before has not been written.
 * @param everyMs between two signs of life, milliseconds
 */
export function heartbeats(everyMs: number, streams: ReadonlySet<string>): ServerInterceptor {
  return (method, call) => {
    if (!streams.has(method.path)) return new ServerInterceptingCall(call);
    let alarm: Alarm | undefined;
    let ended = false;
    let unread = false;
    const stop = (): void => {
      ended = true;
      alarm?.cancel();
    };
    const rest = (): void => {
      alarm?.cancel();
      if (!ended) alarm = afterMs(everyMs, beat);
    };
    const beat = (): void => {
      if (!unread) {
        unread = true;
        guarded.sendMessage({ heartbeat: true }, () => (unread = false));
      }
      rest();
    };
    const listener = new ServerListenerBuilder().withOnCancel(stop).build();
    const guarded = new ServerInterceptingCall(call, {
      start: (next) => {
        rest();
        next(listener);
      },
      sendMessage: (message, next) => {
        rest();
        next(message);
      },
      sendStatus: (status, next) => {
        stop();
        next(status);
      },
    });
    return guarded;
  };
}
