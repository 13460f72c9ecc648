import { once } from 'node:events';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { InteractiveSessionRequest__Output } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionRequest';
import type { InteractiveSessionResponse } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionResponse';
import { excerpt } from '../../common/bounded-text';
import { AutomedError, automedError } from '../../common/errors';
import { wellFormed, withModel, type CallContext } from '../../common/grpc/handlers';
import { asAutomedError, toItemStatus } from '../../common/grpc/status';
import type { Lease } from '../../common/inference';
import type { DecodeLimits } from '../../imaging/decode';
import type { InteractiveBase } from '../domain/interactive-ports';
import { NewestPrompt } from '../domain/newest-prompt';
import { predictMasks, readSource, type ReadSource } from '../domain/predict-masks';
import { hasPrompts, runOptions, toEncodeResponse, toPredictCommand, toPredictResponse } from './interactive-messages';

type Request = InteractiveSessionRequest__Output;
type Outcome = Pick<InteractiveSessionResponse, 'encoded' | 'result' | 'status'>;

export interface SessionDeps {
  acquire(reference: string): Promise<Lease<InteractiveBase>>;
  limits: DecodeLimits;
}

/** Serves one session; resolves when the caller has ended it and everything is answered. */
export async function serveSession(
  call: ServerDuplexStream<Request, InteractiveSessionResponse>,
  context: CallContext,
  deps: SessionDeps,
): Promise<void> {
  const waiting = new NewestPrompt<Request>();
  let wake: () => void = () => undefined;
  let reading = true;
  const read = async (): Promise<void> => {
    for await (const message of call.iterator({ destroyOnReturn: false })) {
      waiting.offer(message as Request, Boolean((message as Request).image));
      wake();
    }
  };
  const reader = read().finally(() => {
    reading = false;
    wake();
  });
  reader.catch(() => undefined); // awaited below
  context.signal.addEventListener('abort', () => wake(), { once: true });

  const session = new Session(deps, context);
  try {
    while (!context.signal.aborted) {
      const next = waiting.take();
      if (next) {
        const outcome = await session.answer(next.message, next.index);
        if (context.signal.aborted) return;
        const { index, droppedIndexes } = next;
        if (!call.write({ index, droppedIndexes, ...outcome })) await once(call, 'drain', { signal: context.signal });
      } else if (reading) {
        await new Promise<void>((resolve) => (wake = resolve));
      } else {
        return await reader;
      }
    }
  } finally {
    await session.close();
  }
}

/** The base and the image that the prompts of one session are on. */
class Session {
  private reference = '';
  private lease: Promise<Lease<InteractiveBase>> | undefined;
  private image: ReadSource | undefined;
  private embeddingId = '';

  constructor(
    private readonly deps: SessionDeps,
    private readonly context: CallContext,
  ) {}

  /** What became of one message; fails only where the whole session does, because its base cannot be had. */
  async answer(message: Request, index: number): Promise<Outcome> {
    if (!this.lease) {
      this.reference = withModel(wellFormed(message), this.context).model;
      this.lease = this.deps.acquire(this.reference);
    }
    const { model: base } = await this.lease;
    try {
      return await this.run(base, wellFormed(message));
    } catch (error) {
      const typed = asAutomedError(error);
      if (typed.code === 'INTERNAL') this.context.log.error({ err: typed, index }, 'a prompt of a session failed');
      return { status: toItemStatus(typed, this.context.requestId) };
    }
  }

  async close(): Promise<void> {
    await this.lease?.then(
      (held) => held.release(),
      () => undefined,
    );
  }

  private async run(base: InteractiveBase, request: Request): Promise<Outcome> {
    const started = performance.now();
    if (request.model !== '' && request.model !== this.reference) {
      const text = `This session is on '${this.reference}'; open another for '${excerpt(request.model)}'.`;
      throw automedError('INVALID_ARGUMENT', text, { field: 'model' });
    }
    if (request.image) {
      this.image = undefined; // prompts that follow an image that cannot be read must not land on the one before
      this.image = await readSource({ image: request.image }, this.deps.limits);
      this.embeddingId = '';
    }
    if (request.image && !hasPrompts(request)) return { encoded: await this.encode(base, request.priority, started) };
    const { image } = this;
    if (!image) {
      throw automedError('INVALID_ARGUMENT', 'The session has no image: send one first.', { field: 'image' });
    }
    const command = toPredictCommand(request, {}, this.context);
    // The embedding by its id, and the pixels only where it is gone, for they would be hashed for each prompt.
    const byId = { ...image, source: { embeddingId: this.embeddingId } };
    const predicted = await (this.embeddingId === ''
      ? predictMasks(base, command, image)
      : predictMasks(base, command, byId).catch((error: unknown) => {
          if (error instanceof AutomedError && error.code === 'EMBEDDING_NOT_RESIDENT')
            return predictMasks(base, command, image);
          throw error;
        }));
    this.embeddingId = predicted.seen.embeddingId;
    return { result: toPredictResponse(predicted, command.logits, performance.now() - started) };
  }

  private async encode(base: InteractiveBase, priority: number, started: number) {
    const { image } = this;
    if (!image || !('pixels' in image.source)) throw new Error('a session holds pixels');
    const seen = await base.encode(image.source.pixels, runOptions(priority, this.context)());
    this.embeddingId = seen.embeddingId;
    return toEncodeResponse(seen, base, { decodeMs: image.decodeMs, totalMs: performance.now() - started });
  }
}
