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

export interface SeriesRole<Request, Result, Model, Command> {
  maxInFlight: number;
  /** Checks one image before the model is acquired, and loaded, for it; failing becomes that image's status. */
  prepare(request: Request): Promise<Command>;
  /** Finds and holds the model that the first message names, for the first image that can be answered; failing ends the stream. */
  acquire(reference: string): Promise<Lease<Model>>;
  /** Answers one image; failing becomes that image's status. */
  answer(model: Model, command: Command): Promise<Result>;
}

/** Serves a series on one model, which stays the same version and stays loaded until the stream ends. */
export async function serveSeries<Request extends { model: string }, Result, Model, Command>(
  call: ServerDuplexStream<Request, SeriesAnswer<Result>>,
  context: CallContext,
  role: SeriesRole<Request, Result, Model, Command>,
): Promise<void> {
  let reference: string | undefined;
  let lease: Promise<Lease<Model>> | undefined;
  const statusOf = (error: unknown, index: number): SeriesAnswer<Result> => {
    const typed = asAutomedError(error);
    if (typed.code === 'INTERNAL') context.log.error({ err: typed, index }, 'an item of a series failed');
    return { index, status: toItemStatus(typed, context.requestId) };
  };
  const answer = async (message: Request, index: number): Promise<SeriesAnswer<Result>> => {
    reference ??= withModel(readable(message), context).model;
    let command: Command;
    try {
      const request = wellFormed(message);
      if (request.model !== '' && request.model !== reference) throw anotherModel(request.model, reference);
      command = await role.prepare(request);
    } catch (error) {
      return statusOf(error, index);
    }
    lease ??= role.acquire(reference);
    const { model } = await lease;
    try {
      return { index, result: await role.answer(model, command) };
    } catch (error) {
      return statusOf(error, index);
    }
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
