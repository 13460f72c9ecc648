import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { ItemStatus } from '../../../proto/gen/automed/common/v1/ItemStatus';
import { excerpt } from '../bounded-text';
import { automedError } from '../errors';
import type { Lease } from '../inference';
import { readable, wellFormed, withModel, type CallContext } from './handlers';
import { answerInOrder } from './ordered-stream';
import { BEGINNING, placeOf, placeToken, requireNoPlace, requireSameModel, type Place } from './place';
import { asAutomedError, toItemStatus } from './status';

/** One answer of a stream: what became of the image at `index`. */
export interface SeriesAnswer<Result> {
  index: number;
  result?: Result;
  status?: ItemStatus;
  resumeToken?: string;
}

/** What every message of a series has. */
export interface SeriesRequest {
  model: string;
  resumeToken?: string;
}

export interface SeriesRole<Request, Result, Model, Command> {
  maxInFlight: number;
  /** Checks one image before the model is acquired, and loaded, for it; failing becomes that image's status. */
  prepare(request: Request): Promise<Command>;
  /** Finds and holds the model that the first message names, for the first image that can be answered; failing ends the stream. */
  acquire(reference: string): Promise<Lease<Model>>;
  /** `name@version`. */
  identify(model: Model): string;
  /** Answers one image; failing becomes that image's status. */
  answer(model: Model, command: Command): Promise<Result>;
}

/** Serves a series, or goes on with one, on one model, which stays the same version and stays loaded until the stream ends. */
export async function serveSeries<Request extends SeriesRequest, Result, Model, Command>(
  call: ServerDuplexStream<Request, SeriesAnswer<Result>>,
  context: CallContext,
  role: SeriesRole<Request, Result, Model, Command>,
): Promise<void> {
  const series = new Series(context, role);
  try {
    await answerInOrder(
      call,
      role.maxInFlight,
      context.signal,
      (message, position) => series.answer(message, position),
      (answer) => series.withPlace(answer),
    );
  } finally {
    await series.close();
  }
}

/** The model of one stream, and where its series began. */
class Series<Request extends SeriesRequest, Result, Model, Command> {
  private reference: string | undefined;
  private from: Place = BEGINNING;
  private answeredBy = '';
  private lease: Promise<Lease<Model>> | undefined;

  constructor(
    private readonly context: CallContext,
    private readonly role: SeriesRole<Request, Result, Model, Command>,
  ) {}

  /** What became of one image; fails only where the whole stream does. @param position in the stream, from 0 */
  async answer(message: Request, position: number): Promise<SeriesAnswer<Result>> {
    const reference = (this.reference ??= this.begin(readable(message)));
    const index = this.from.next + position;
    let command: Command;
    try {
      const request = wellFormed(message);
      if (request.model !== '' && request.model !== reference) throw anotherModel(request.model, reference);
      if (position > 0) requireNoPlace(request);
      command = await this.role.prepare(request);
    } catch (error) {
      return this.statusOf(error, index);
    }
    this.lease ??= this.role.acquire(this.from.answeredBy || reference);
    const { model } = await this.lease;
    this.answeredBy = this.role.identify(model);
    try {
      return { index, result: await this.role.answer(model, command) };
    } catch (error) {
      return this.statusOf(error, index);
    }
  }

  withPlace(answer: SeriesAnswer<Result>): SeriesAnswer<Result> {
    return { ...answer, resumeToken: placeToken({ next: answer.index + 1, answeredBy: this.answeredBy }) };
  }

  async close(): Promise<void> {
    await this.lease?.then(
      (held) => held.release(),
      () => undefined,
    );
  }

  private begin(first: Request): string {
    const { model } = withModel(first, this.context);
    this.from = placeOf(first.resumeToken ?? '');
    requireSameModel(this.from, model);
    this.answeredBy = this.from.answeredBy;
    return model;
  }

  private statusOf(error: unknown, index: number): SeriesAnswer<Result> {
    const typed = asAutomedError(error);
    if (typed.code === 'INTERNAL') this.context.log.error({ err: typed, index }, 'an item of a series failed');
    return { index, status: toItemStatus(typed, this.context.requestId) };
  }
}

function anotherModel(named: string, reference: string): Error {
  const text = `This stream is on the model '${reference}'; open another for '${excerpt(named)}'.`;
  return automedError('INVALID_ARGUMENT', text, { field: 'model' });
}
