import { type Base, type Engine, EVERYTHING_DEFAULTS, type EverythingOptions } from '../../../native/lib';
import { automedError } from '../../common/errors';
import type { RunOptions } from '../../common/inference';
import type {
  EverythingParameters,
  ImageSource,
  InteractiveBase,
  InteractiveBases,
  Prompts,
} from '../../segmentation/domain/interactive-ports';
import type { HostedBase } from '../domain/hosted-bases';
import { keyed, type Embeddings } from './embeddings';
import type { NativeHost } from './native-engine';

/** Along either side of the encoder's grid. */
const LOGITS_PER_TOKEN = 4;

/** Bases that answer prompts, over the engine. */
export function interactiveBases(
  host: NativeHost,
  engine: Engine,
  embeddings: Embeddings,
  embeddingTtlMs: number,
): InteractiveBases {
  return {
    logitsSide: async (reference) => {
      const { image_size: size, patch_size: patch } = (await host.findBase(reference)).manifest.architecture;
      return LOGITS_PER_TOKEN * Math.floor(size / patch);
    },
    acquire: async (reference, caller) => {
      const lease = await host.acquireBase(reference);
      const model = interactiveBase(engine, lease.model, { embeddings, embeddingTtlMs, caller });
      return { model, release: () => lease.release() };
    },
  };
}

function interactiveBase(
  engine: Engine,
  { base, identity, architecture, preprocessing }: HostedBase<Base>,
  { embeddings, embeddingTtlMs, caller }: { embeddings: Embeddings; embeddingTtlMs: number; caller: string },
): InteractiveBase {
  const origin = { baseSha256: identity.weightsSha256, precision: identity.precision, preprocessing };
  const idOf = async (source: ImageSource): Promise<string> => {
    if (!('pixels' in source)) {
      // Not even whether somebody else sent the image is told.
      if (embeddings.mayUse(source.embeddingId, caller)) return source.embeddingId;
      throw notResident();
    }
    const id = await embeddings.idOf(source.pixels, origin);
    embeddings.note(id, caller);
    return id;
  };
  const keptAs = (options: RunOptions, id: string) => keyed(options, id, origin);
  const pixelsOf = (source: ImageSource) => ('pixels' in source ? source.pixels : undefined);
  return {
    identity,
    embeddingTtlMs,
    multimaskOutputs: architecture.decoder.multimask_outputs,
    sizeOf: (id) => (embeddings.mayUse(id, caller) ? embeddings.sizeOf(id) : undefined),
    decoder: () => ({
      identity: { ...identity, precision: 'float16' },
      tensors: base.decoderWeights(),
      imageSize: architecture.image_size,
      side: Math.floor(architecture.image_size / architecture.patch_size),
      heads: architecture.decoder.heads,
      layers: architecture.decoder.depth,
      multimaskOutputs: architecture.decoder.multimask_outputs,
      bestOfMultimask: architecture.adapter,
    }),
    encode: async (pixels, options, returned) => {
      const id = await idOf({ pixels });
      const kept = keptAs(options, id);
      const seen = await (returned ? engine.embed(base, pixels, kept) : engine.encode(base, pixels, kept));
      return { embeddingId: id, ...seen };
    },
    predict: async (source, prompts, threshold, options) => {
      const id = await idOf(source);
      const raw = { ...rawPrompts(prompts), threshold };
      return { embeddingId: id, ...(await engine.predictMasks(base, pixelsOf(source), raw, keptAs(options, id))) };
    },
    everything: async (source, parameters, maxMasks, options) => {
      const id = await idOf(source);
      const raw = withDefaults(parameters, maxMasks);
      return { embeddingId: id, ...(await engine.findEverything(base, pixelsOf(source), raw, keptAs(options, id))) };
    },
  };
}

/** As the engine says it. */
function notResident(): Error {
  const text = 'no embedding with this id is held here; send the image';
  return automedError('EMBEDDING_NOT_RESIDENT', text, { field: 'embedding_id' });
}

function withDefaults(parameters: EverythingParameters, maxMasks: number): EverythingOptions {
  const defaults = EVERYTHING_DEFAULTS;
  return {
    pointsPerSide: parameters.pointsPerSide ?? defaults.pointsPerSide,
    pointsPerBatch: defaults.pointsPerBatch,
    minPredictedIou: parameters.minPredictedIou ?? defaults.minPredictedIou,
    minStability: parameters.minStability ?? defaults.minStability,
    stabilityOffset: parameters.stabilityOffset ?? defaults.stabilityOffset,
    nmsIou: parameters.nmsIou ?? defaults.nmsIou,
    maxMasks,
  };
}

function rawPrompts({ points, boxes, mask, multimask }: Prompts) {
  const floats = (values: number[]): Float32Array | null => (values.length === 0 ? null : Float32Array.from(values));
  return {
    points: floats(points.flatMap(({ x, y }) => [x, y])),
    labels: floats(points.map(({ foreground }) => (foreground ? 1 : 0))),
    boxes: floats(boxes.flatMap(({ x0, y0, x1, y1 }) => [x0, y0, x1, y1])),
    mask: mask ?? null,
    multimask,
  };
}
