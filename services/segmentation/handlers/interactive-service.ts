import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { EncodeImageRequest__Output } from '../../../proto/gen/automed/segmentation/v1/EncodeImageRequest';
import type { GetMaskDecoderRequest__Output } from '../../../proto/gen/automed/segmentation/v1/GetMaskDecoderRequest';
import type { InteractiveSessionRequest__Output } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionRequest';
import type { InteractiveSessionResponse } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionResponse';
import type { PredictMasksRequest__Output } from '../../../proto/gen/automed/segmentation/v1/PredictMasksRequest';
import type { SegmentEverythingRequest__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentEverythingRequest';
import { bidi, unary, type CallContext } from '../../common/grpc/handlers';
import type { Lease } from '../../common/inference';
import type { Logger } from '../../common/logging';
import { useImage, type ImageIntake } from '../../imaging/image-input';
import type { InteractiveBase, InteractiveBases } from '../domain/interactive-ports';
import {
  everythingAdmission,
  predictAdmission,
  predictMasks,
  segmentEverything,
  withSource,
} from '../domain/predict-masks';
import {
  checkLogits,
  sourceOf,
  toDecoderResponse,
  toEncodeCommand,
  toEncodeResponse,
  toEverythingCommand,
  toEverythingResponse,
  toPredictCommand,
  toPredictResponse,
} from './interactive-messages';
import { serveSession } from './interactive-session';

export interface InteractiveDeps {
  bases: InteractiveBases;
  intake: ImageIntake;
  log: Logger;
}

export function interactiveHandlers(deps: InteractiveDeps): UntypedServiceImplementation {
  const { log, intake } = deps;
  const { memory } = intake;
  const acquire = async (reference: string, context: CallContext): Promise<Lease<InteractiveBase>> => {
    const lease = await deps.bases.acquire(reference, context.principal);
    context.setModel(`${lease.model.identity.name}@${lease.model.identity.version}`);
    return lease;
  };
  /** Runs one call on the base that it names. */
  const onBase = async <T>(
    reference: string,
    context: CallContext,
    run: (base: InteractiveBase) => Promise<T>,
  ): Promise<T> => {
    const lease = await acquire(reference, context);
    return run(lease.model).finally(() => lease.release());
  };
  return {
    EncodeImage: unary(log, async (request: EncodeImageRequest__Output, context) => {
      const elapsed = stopwatch();
      const { image, options } = await toEncodeCommand(request, intake, context);
      return onBase(request.model, context, (base) =>
        useImage(image, memory, { masks: 0, wait: options }, async ({ pixels, facts, decodeMs }) => {
          const seen = await base.encode(pixels, options(), request.returnEmbedding);
          return toEncodeResponse(seen, base, facts, { decodeMs, totalMs: elapsed() });
        }),
      );
    }),
    PredictMasks: unary(log, async (request: PredictMasksRequest__Output, context) => {
      const elapsed = stopwatch();
      const command = await toPredictCommand(request, sourceOf(request), intake, context);
      await checkLogits(deps.bases, request.model, command);
      return onBase(request.model, context, (base) =>
        withSource(base, command.source, memory, predictAdmission(base, command), async (read) =>
          toPredictResponse(await predictMasks(base, command, read), command.logits, elapsed()),
        ),
      );
    }),
    GetMaskDecoder: unary(log, async (request: GetMaskDecoderRequest__Output, context) => {
      return onBase(request.model, context, (base) => Promise.resolve(toDecoderResponse(base.decoder())));
    }),
    SegmentEverything: unary(log, async (request: SegmentEverythingRequest__Output, context) => {
      const elapsed = stopwatch();
      const command = await toEverythingCommand(request, intake, context);
      return onBase(request.model, context, (base) =>
        withSource(base, command.source, memory, everythingAdmission(base, command, memory), async (read) =>
          toEverythingResponse(await segmentEverything(base, command, read), elapsed()),
        ),
      );
    }),
    InteractiveSession: bidi<InteractiveSessionRequest__Output, InteractiveSessionResponse>(log, (call, context) =>
      serveSession(call, context, {
        intake,
        bases: { ...deps.bases, acquire: (reference) => acquire(reference, context) },
      }),
    ),
  };
}

/** Milliseconds since it was made. */
function stopwatch(): () => number {
  const started = performance.now();
  return () => performance.now() - started;
}
