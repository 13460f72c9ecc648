import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { EncodeImageRequest__Output } from '../../../proto/gen/automed/segmentation/v1/EncodeImageRequest';
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
  runOptions,
  sourceOf,
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
  const acquire = async (reference: string, context: CallContext): Promise<Lease<InteractiveBase>> => {
    const lease = await deps.bases.acquire(reference);
    context.setModel(`${lease.model.identity.name}@${lease.model.identity.version}`);
    return lease;
  };
  /** Runs one call on the base that it names; `elapsed` says how long it has taken so far, milliseconds. */
  const onBase = async <T>(
    reference: string,
    context: CallContext,
    run: (base: InteractiveBase, elapsed: () => number) => Promise<T>,
  ): Promise<T> => {
    const started = performance.now();
    const lease = await acquire(reference, context);
    return run(lease.model, () => performance.now() - started).finally(() => lease.release());
  };
  return {
    EncodeImage: unary(log, (request: EncodeImageRequest__Output, context) =>
      onBase(request.model, context, async (base, elapsed) => {
        const options = runOptions(request.priority, context);
        return useImage(request.image, intake, { masks: 0, wait: options }, async ({ pixels, decodeMs }) => {
          const seen = await base.encode(pixels, options());
          return toEncodeResponse(seen, base, { decodeMs, totalMs: elapsed() });
        });
      }),
    ),
    PredictMasks: unary(log, (request: PredictMasksRequest__Output, context) =>
      onBase(request.model, context, async (base, elapsed) => {
        const command = toPredictCommand(request, sourceOf(request), context);
        return withSource(base, command.source, intake, predictAdmission(base, command), async (read) =>
          toPredictResponse(await predictMasks(base, command, read), command.logits, elapsed()),
        );
      }),
    ),
    SegmentEverything: unary(log, (request: SegmentEverythingRequest__Output, context) =>
      onBase(request.model, context, async (base, elapsed) => {
        const command = toEverythingCommand(request, context);
        return withSource(base, command.source, intake, everythingAdmission(base, command, intake), async (read) =>
          toEverythingResponse(await segmentEverything(base, command, read), elapsed()),
        );
      }),
    ),
    InteractiveSession: bidi<InteractiveSessionRequest__Output, InteractiveSessionResponse>(log, (call, context) =>
      serveSession(call, context, { intake, acquire: (reference) => acquire(reference, context) }),
    ),
  };
}
