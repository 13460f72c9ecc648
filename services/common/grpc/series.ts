import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { ItemStatus } from '../../../proto/gen/automed/common/v1/ItemStatus';
import { excerpt } from '../bounded-text';
import { automedError } from '../errors';
import type { Lease } from '../inference';
import { readable, wellFormed, withModel, type CallContext } from './handlers';
import { answerInOrder } from './ordered-stream';
import { asAutomedError, toItemStatus } from './status';

/** One answer of a stream: what became of the image at `index`. */
export interface SeriesAnswer<Result> {
  index: number;
  result?: Result;
  status?: ItemStatus;
}

export interface SeriesRole<Request, Result, Model> {
  maxInFlight: number;
  /** Finds and holds the model that the first message names; failing ends the stream. */
  acquire(reference: string): Promise<Lease<Model>>;
  /** Answers one image; failing becomes that image's status. */
  answer(model: Model, request: Request): Promise<Result>;
}

/** Serves a series on one model, which stays the same version and stays loaded until the stream ends. */
export async function serveSeries<Request extends { model: string }, Result, Model>(
  call: ServerDuplexStream<Request, SeriesAnswer<Result>>,
  context: CallContext,
  role: SeriesRole<Request, Result, Model>,
): Promise<void> {
  let reference = '';
  let lease: Promise<Lease<Model>> | undefined;
  const answer = async (message: Request, index: number): Promise<SeriesAnswer<Result>> => {
    if (!lease) {
      reference = withModel(readable(message), context).model;
      lease = role.acquire(reference);
    }
    const { model } = await lease;
    const work = async (): Promise<SeriesAnswer<Result>> => {
      const request = wellFormed(message);
      if (request.model !== '' && request.model !== reference) throw anotherModel(request.model, reference);
      return { index, result: await role.answer(model, request) };
    };
    return work().catch((error: unknown) => {
      const typed = asAutomedError(error);
      if (typed.code === 'INTERNAL') context.log.error({ err: typed, index }, 'an item of a series failed');
      return { index, status: toItemStatus(typed, context.requestId) };
    });
  };
  try {
    await answerInOrder(call, role.maxInFlight, context.signal, answer);
  } finally {
    await lease?.then(
      (held) => held.release(),
      () => undefined,
    );
  }
}

function anotherModel(named: string, reference: string): Error {
  return automedError(
    'INVALID_ARGUMENT',
    `This stream is on the model '${reference}'; open another for '${excerpt(named)}'.`,
    {
      field: 'model',
    },
  );
}
