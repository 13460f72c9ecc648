import { once } from 'node:events';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { EncodeImageResponse } from '../../../proto/gen/automed/segmentation/v1/EncodeImageResponse';
import type { InteractiveSessionRequest__Output } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionRequest';
import type { InteractiveSessionResponse } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionResponse';
import { excerpt } from '../../common/bounded-text';
import { AutomedError, automedError } from '../../common/errors';
import { readable, wellFormed, withModel, type CallContext } from '../../common/grpc/handlers';
import { BEGINNING, placeOf, placeToken, requireNoPlace, type Place } from '../../common/grpc/place';
import { asAutomedError, toItemStatus } from '../../common/grpc/status';
import type { Lease } from '../../common/inference';
import {
  NO_FACTS,
  openImage,
  useImage,
  type ImageFacts,
  type ImageIntake,
  type OpenedImage,
} from '../../imaging/image-input';
import { checkPrompts, type Extent } from '../domain/check-prompts';
import type { InteractiveBase, InteractiveBases } from '../domain/interactive-ports';
import { NewestPrompt } from '../domain/newest-prompt';
import { predictAdmission, predictMasks, withSource, type PredictedMasks } from '../domain/predict-masks';
import {
  checkLogits,
  hasPrompts,
  toEncodeCommand,
  toEncodeResponse,
  toPredictResponse,
  toPromptCommand,
  type EncodeCommand,
  type PromptCommand,
} from './interactive-messages';

type Request = InteractiveSessionRequest__Output;
type Outcome = Pick<InteractiveSessionResponse, 'encoded' | 'result' | 'status'>;

export interface SessionDeps {
  bases: InteractiveBases;
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
  const session = new Session(deps, context);
  const read = async (): Promise<void> => {
    for await (const message of call.iterator({ destroyOnReturn: false })) {
      if (session.begin(message as Request)) waiting.startAt(session.from.next);
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

  try {
    while (!context.signal.aborted) {
      const next = waiting.take();
      if (next) {
        const outcome = await session.answer(next.message, next.index);
        if (context.signal.aborted) return;
        const { index, droppedIndexes } = next;
        const written = call.write({ index, droppedIndexes, ...outcome, resumeToken: session.placeBehind(index) });
        if (!written) await once(call, 'drain', { signal: context.signal });
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

type SessionImage = NonNullable<Request['image']>;

/** The base and the image that the prompts of one session are on. */
class Session {
  private reference: string | undefined;
  private lease: Promise<Lease<InteractiveBase>> | undefined;
  /** As it came: decoded pixels would hold memory for as long as somebody looks at them. */
  private image: SessionImage | undefined;
  private facts: ImageFacts = NO_FACTS;
  private extent: Partial<Extent> = {};
  private embeddingId = '';
  private begun: Place | undefined;
  /** `name@version` of the base. */
  private answeredBy = '';

  constructor(
    private readonly deps: SessionDeps,
    private readonly context: CallContext,
  ) {}

  get from(): Place {
    return this.begun ?? BEGINNING;
  }

  /** Looks at the first message. @returns whether this was it @throws InvalidInputError */
  begin(message: Request): boolean {
    if (this.begun) return false;
    this.begun = placeOf(readable(message).resumeToken);
    this.answeredBy = this.begun.answeredBy;
    return true;
  }

  /** What became of one message; fails only where the whole session does, because its base cannot be had. */
  async answer(message: Request, index: number): Promise<Outcome> {
    this.reference ??= withModel(readable(message), this.context).model;
    let run: (base: InteractiveBase) => Promise<Outcome>;
    try {
      const request = wellFormed(message);
      if (index !== this.from.next) requireNoPlace(request);
      run = await this.prepare(request, this.reference);
    } catch (error) {
      return this.statusOf(error, index);
    }
    this.lease ??= this.acquire(this.reference);
    const { model: base } = await this.lease;
    return run(base).catch((error: unknown) => this.statusOf(error, index));
  }

  placeBehind(index: number): string {
    return placeToken({ next: index + 1, answeredBy: this.answeredBy });
  }

  private async acquire(reference: string): Promise<Lease<InteractiveBase>> {
    const lease = await this.deps.bases.acquire(reference, this.context.principal);
    const { name, version } = lease.model.identity;
    const standing = `${name}@${version}`;
    if (this.answeredBy !== '' && this.answeredBy !== standing) {
      lease.release();
      const text = `This session was on the base ${this.answeredBy}; '${excerpt(reference)}' is on ${standing} by now.`;
      throw automedError('ILLEGAL_STATE', text, { field: 'resume_token' });
    }
    this.answeredBy = standing;
    return lease;
  }

  async close(): Promise<void> {
    await this.lease?.then(
      (held) => held.release(),
      () => undefined,
    );
  }

  private statusOf(error: unknown, index: number): Outcome {
    const typed = asAutomedError(error);
    if (typed.code === 'INTERNAL') this.context.log.error({ err: typed, index }, 'a prompt of a session failed');
    return { status: toItemStatus(typed, this.context.requestId) };
  }

  /** Checks what needs no base, so that none is loaded for what it could not answer; the result is what is left to do. */
  private async prepare(request: Request, reference: string): Promise<(base: InteractiveBase) => Promise<Outcome>> {
    const started = performance.now();
    const { intake } = this.deps;
    if (request.model !== '' && request.model !== reference) {
      const text = `This session is on '${reference}'; open another for '${excerpt(request.model)}'.`;
      throw automedError('INVALID_ARGUMENT', text, { field: 'model' });
    }
    const image = request.image ?? this.image;
    if (request.image) {
      this.image = undefined; // prompts that follow an image that cannot be read must not land on the one before
      this.embeddingId = '';
    }
    if (request.image && !hasPrompts(request)) {
      const command = await toEncodeCommand(request, intake, this.context);
      return async (base) => ({ encoded: await this.encode(base, request.image as SessionImage, command, started) });
    }
    if (!image) {
      throw automedError('INVALID_ARGUMENT', 'The session has no image: send one first.', { field: 'image' });
    }
    const command = toPromptCommand(request, this.context);
    const opened = request.image ? await openImage(request.image, intake) : undefined;
    // Prompts beside an image do not make it unknown to those that follow.
    if (opened) this.remember(image, opened);
    checkPrompts(command.prompts, this.extent);
    await checkLogits(this.deps.bases, reference, command);
    return async (base) => {
      const predicted = await this.predict(base, image, command, opened);
      this.embeddingId = predicted.seen.embeddingId;
      return { result: toPredictResponse(predicted, command.logits, performance.now() - started) };
    };
  }

  /**
   * On the embedding by its id, and on the image, decoded again, only where that is gone.
   * @param opened the image where it came with the prompts
   */
  private async predict(
    base: InteractiveBase,
    image: SessionImage,
    command: PromptCommand,
    opened: OpenedImage | undefined,
  ): Promise<PredictedMasks> {
    const { memory } = this.deps.intake;
    const admission = predictAdmission(base, command);
    const { embeddingId, facts } = this;
    if (embeddingId !== '') {
      const source = { embeddingId };
      try {
        return await withSource(base, source, memory, admission, (read) =>
          predictMasks(base, { ...command, source }, { ...read, facts }),
        );
      } catch (error) {
        if (!(error instanceof AutomedError) || error.code !== 'EMBEDDING_NOT_RESIDENT') throw error;
      }
    }
    const source = { image: opened ?? (await openImage(image, this.deps.intake)) };
    if (opened) this.image = undefined; // until it is decoded
    return withSource(base, source, memory, admission, (read) => {
      this.remember(image, source.image);
      return predictMasks(base, { ...command, source }, read);
    });
  }

  private encode(
    base: InteractiveBase,
    image: SessionImage,
    { image: opened, options }: EncodeCommand,
    started: number,
  ): Promise<EncodeImageResponse> {
    const admission = { masks: 0, wait: options };
    return useImage(opened, this.deps.intake.memory, admission, async ({ pixels, facts, decodeMs }) => {
      this.remember(image, opened);
      const seen = await base.encode(pixels, options(), false);
      this.embeddingId = seen.embeddingId;
      return toEncodeResponse(seen, base, facts, { decodeMs, totalMs: performance.now() - started });
    });
  }

  /** An image that could be read is the one that later prompts are on. */
  private remember(image: SessionImage, { source, spacing, width, height }: OpenedImage): void {
    this.image = image;
    this.facts = { source, spacing };
    this.extent = { width, height };
  }
}
