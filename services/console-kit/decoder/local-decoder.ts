import { call, type CallOptions } from '../api/call';
import type { GetMaskDecoderResponse, ImageEmbedding, InputPlacement, PointPrompt } from '../api/types';
import type { Answer, Order } from './messages';
import type { Placement } from './restore';

const SERVICE = 'automed.segmentation.v1.InteractiveSegmentationService';
/** Larger embeddings, SAM's of 1024 pixels, take a browser longer than the way to the server and back. */
const MOST_SIDE = 32;

const ENDED = 'the decoder of the browser has ended';

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;

/** The mask decoder of one base, in a worker of the browser. */
class LocalDecoder {
  private readonly worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private last = 0;
  private ended = false;

  constructor() {
    this.worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
      this.waiting.get(data.id)?.(data);
      this.waiting.delete(data.id);
    });
    // A worker that cannot start answers nothing more.
    this.worker.addEventListener('error', () => this.close());
  }

  /** @throws Error with what the worker said, or that it has ended */
  async ask(order: Unnumbered<Order>): Promise<Answer> {
    if (this.ended) throw new Error(ENDED);
    const id = (this.last += 1);
    const answer = await new Promise<Answer>((resolve) => {
      this.waiting.set(id, resolve);
      this.worker.postMessage({ ...order, id });
    });
    if (answer.failure !== undefined) throw new Error(answer.failure);
    return answer;
  }

  /** Ends the worker, and with an error what waits for it. */
  close(): void {
    this.ended = true;
    this.worker.terminate();
    for (const [id, answer] of this.waiting) answer({ id, failure: ENDED });
    this.waiting.clear();
  }
}

interface Loaded {
  model: string;
  decoder: LocalDecoder;
  ready: Promise<unknown>;
}

/** Of the base that was looked at last; another one takes its place. */
let loaded: Loaded | undefined;

function decoderOf(model: string, side: number): Loaded {
  if (loaded?.model === model) return loaded;
  loaded?.decoder.close();
  const decoder = new LocalDecoder();
  const mine: Loaded = (loaded = { model, decoder, ready: load(decoder, model, side) });
  mine.ready.catch(() => {
    decoder.close();
    if (loaded === mine) loaded = undefined;
  });
  return mine;
}

async function load(decoder: LocalDecoder, model: string, side: number): Promise<void> {
  const answer = await call<GetMaskDecoderResponse>(SERVICE, 'GetMaskDecoder', { model });
  const layout = {
    imageSize: answer.inputSizePx,
    side,
    heads: answer.headCount,
    depth: answer.layerCount,
    multimaskOutputs: answer.multimaskOutputCount,
    bestOfMultimask: answer.bestOfMultimask ?? false,
  };
  await decoder.ask({ kind: 'load', weights: answer.weights, layout });
}

function placementOf({ inputSizePx, leftPx = 0, topPx = 0, innerWidthPx, innerHeightPx }: InputPlacement): Placement {
  return { size: inputSizePx, left: leftPx, top: topPx, innerWidth: innerWidthPx, innerHeight: innerHeightPx };
}

/** Draws masks of one image in the browser, as its server would. */
export class LocalImage {
  private constructor(
    private readonly decoder: LocalDecoder,
    private readonly placement: Placement,
    private readonly size: { width: number; height: number },
  ) {}

  /**
   * Fetches the decoder of a base, once, and shows it an image.
   * @returns undefined where the embedding is too large for a browser
   * @throws CallError, Error of the worker
   */
  static async of(
    model: string,
    embedding: ImageEmbedding,
    size: { width: number; height: number },
    { signal }: CallOptions = {},
  ): Promise<LocalImage | undefined> {
    const side = embedding.features.shape[1] ?? 0;
    if (side > MOST_SIDE) return undefined;
    const { decoder, ready } = decoderOf(model, side);
    await ready;
    signal?.throwIfAborted();
    await decoder.ask({ kind: 'look', features: embedding.features.data });
    return new LocalImage(decoder, placementOf(embedding.placement), size);
  }

  /** The mask of one point, as PredictMasks would answer it. @throws Error of the worker */
  async draw({ xPx, yPx, label }: PointPrompt): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { placement, size } = this;
    const point = {
      x: (xPx * placement.innerWidth) / size.width + placement.left,
      y: (yPx * placement.innerHeight) / size.height + placement.top,
      foreground: label === 'POINT_LABEL_FOREGROUND',
    };
    return (await this.decoder.ask({ kind: 'draw', point, placement, ...size })).bits;
  }
}
