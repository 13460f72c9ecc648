import {
  type Metadata,
  ServerInterceptingCall,
  ServerListenerBuilder,
  status as Code,
  type ServerInterceptor,
  type StatusObject,
} from '@grpc/grpc-js';
import type { Admission, Refusal, Ticket } from '../admission';
import { automedError } from '../errors';
import { toStatus } from './status';
import type { Logger } from '../logging';
import { MalformedMessage, modelHint } from './handlers';
import { deadlineMs, recordOf } from './observe';

/** Which calls need admission. */
export interface CallAdmission {
  admission: Admission;
  /** Unary methods, `/package.Service/Method`. */
  methods: ReadonlySet<string>;
  /** Streams of requests, which are refused with their first message where a call would be; what follows waits in the queue. */
  streams?: ReadonlySet<string>;
}

/** The fields of a request that say what it costs and when its turn is. */
interface Costly {
  model?: string;
  additionalModels?: string[];
  priority?: number;
  image?: object | null;
}

/**
 * Refuses a call when its message is there and before its handler runs: nothing was decoded, and no model was loaded for it.
 * The header alone would not do, for the message has the model and the priority.
 */
export function admitCalls({ admission, methods, streams }: CallAdmission, log: Logger): ServerInterceptor {
  return (method, call) => {
    const streamed = streams?.has(method.path) === true;
    if (!streamed && !methods.has(method.path)) return new ServerInterceptingCall(call);
    let metadata: Metadata | undefined;
    let ticket: Ticket | undefined;
    let [refused, begun] = [false, false];
    const end = (answered: boolean): void => {
      ticket?.end(answered);
      ticket = undefined;
    };
    const enter = (message: unknown): Refusal | undefined => {
      if (message instanceof MalformedMessage) return undefined;
      const { model = '', additionalModels = [], priority = 0, image } = message as Costly;
      const named = model === '' && metadata ? modelHint(metadata) : model;
      // Prompts on an embedding cost a fraction of those on an image.
      const kind = [method.path, image ? 'image' : '', named, ...additionalModels].join(' ');
      const entered = admission.enter({ kind, priority, remainingMs: deadlineMs(call.getDeadline()) - Date.now() });
      if (!('end' in entered)) return entered;
      if (streamed) entered.end(false);
      else ticket = entered;
      return undefined;
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((received, next) => {
        metadata = received;
        next(received);
      })
      .withOnReceiveMessage((message, next) => {
        if (refused) return;
        const refusal = begun ? undefined : enter(message);
        begun = true;
        if (refusal) {
          refused = true;
          call.sendStatus(statusOf(refusal, metadata ? recordOf(metadata, log).requestId : ''));
          return;
        }
        next(message);
      })
      .withOnReceiveHalfClose((next) => {
        if (!refused) next();
      })
      .withOnCancel(() => end(false))
      .build();
    return new ServerInterceptingCall(call, {
      start: (next) => next(listener),
      sendStatus: (status, next) => {
        end(status.code === Code.OK);
        next(status);
      },
    });
  };
}

/** Tell a gateway what else would be refused, in milliseconds: calls with less time, or all for a while. */
export const ANSWER_KEY = 'automed-answer-ms';
export const FULL_KEY = 'automed-full-ms';

function statusOf({ why, waitMs, answerMs, fullMs }: Refusal, requestId: string): StatusObject {
  const retryAfterMs = Math.max(1, Math.round(waitMs));
  const status = toStatus(automedError('QUEUE_FULL', `The server is busy: ${why}.`, { retryAfterMs }), requestId);
  if (answerMs !== undefined) status.metadata.set(ANSWER_KEY, String(Math.ceil(answerMs)));
  if (fullMs !== undefined) status.metadata.set(FULL_KEY, String(Math.ceil(fullMs)));
  return status;
}
