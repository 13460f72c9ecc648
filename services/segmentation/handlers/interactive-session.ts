import { once } from 'node:events';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { InteractiveSessionRequest__Output } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionRequest';
import type { InteractiveSessionResponse } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionResponse';
import { excerpt } from '../../common/bounded-text';
import { AutomedError, automedError } from '../../common/errors';
import { readable, wellFormed, withModel, type CallContext } from '../../common/grpc/handlers';
import { asAutomedError, toItemStatus } from '../../common/grpc/status';
import type { Lease } from '../../common/inference';
import { useImage, type ImageIntake } from '../../imaging/image-input';
import type { InteractiveBase } from '../domain/interactive-ports';
import { NewestPrompt } from '../domain/newest-prompt';
import {
  predictAdmission,
  predictMasks,
  withSource,
  type PredictCommand,
  type PredictedMasks,
} from '../domain/predict-masks';
import { hasPrompts, runOptions, toEncodeResponse, toPredictCommand, toPredictResponse } from './interactive-messages';

type Request = InteractiveSessionRequest__Output;
type Outcome = Pick<InteractiveSessionResponse, 'encoded' | 'result' | 'status'>;

export interface SessionDeps {
  acquire(reference: string): Promise<Lease<InteractiveBase>>;
  intake: ImageIntake;
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
  /** As it came: decoded pixels would hold memory for as long as somebody looks at them. */
  private image: NonNullable<Request['image']> | undefined;
  private pixelAreaMm2: number | undefined;
  private embeddingId = '';

  constructor(
    private readonly deps: SessionDeps,
    private readonly context: CallContext,
  ) {}

  /** What became of one message; fails only where the whole session does, because its base cannot be had. */
  async answer(message: Request, index: number): Promise<Outcome> {
    if (!this.lease) {
      this.reference = withModel(readable(message), this.context).model;
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
    const image = request.image ?? this.image;
    if (request.image) {
      this.image = undefined; // prompts that follow an image that cannot be read must not land on the one before
      this.embeddingId = '';
    }
    if (request.image && !hasPrompts(request)) {
      return { encoded: await this.encode(base, request.image, request.priority, started) };
    }
    if (!image) {
      throw automedError('INVALID_ARGUMENT', 'The session has no image: send one first.', { field: 'image' });
    }
    const command = toPredictCommand(request, {}, this.context);
    const predicted = await this.predict(base, image, command);
    this.embeddingId = predicted.seen.embeddingId;
    return { result: toPredictResponse(predicted, command.logits, performance.now() - started) };
  }

  /** On the embedding by its id, and on the image, decoded again, only where that is gone. */
  private async predict(
    base: InteractiveBase,
    image: NonNullable<Request['image']>,
    command: PredictCommand,
  ): Promise<PredictedMasks> {
    const { intake } = this.deps;
    const admission = predictAdmission(base, command);
    const { embeddingId, pixelAreaMm2 } = this;
    if (embeddingId !== '') {
      try {
        return await withSource(base, { embeddingId }, intake, admission, (read) =>
          predictMasks(base, command, { ...read, pixelAreaMm2 }),
        );
      } catch (error) {
        if (!(error instanceof AutomedError) || error.code !== 'EMBEDDING_NOT_RESIDENT') throw error;
      }
    }
    return withSource(base, { image }, intake, admission, (read) => {
      this.remember(image, read.pixelAreaMm2);
      return predictMasks(base, command, read);
    });
  }

  private encode(base: InteractiveBase, image: NonNullable<Request['image']>, priority: number, started: number) {
    const options = runOptions(priority, this.context);
    const admission = { masks: 0, wait: options };
    return useImage(image, this.deps.intake, admission, async ({ pixels, pixelAreaMm2, decodeMs }) => {
      this.remember(image, pixelAreaMm2);
      const seen = await base.encode(pixels, options());
      this.embeddingId = seen.embeddingId;
      return toEncodeResponse(seen, base, { decodeMs, totalMs: performance.now() - started });
    });
  }

  /** An image that could be read is the one that later prompts are on. */
  private remember(image: NonNullable<Request['image']>, pixelAreaMm2: number | undefined): void {
    this.image = image;
    this.pixelAreaMm2 = pixelAreaMm2;
  }
}
