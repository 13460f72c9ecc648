import {
  Engine,
  type Analysis,
  type Base,
  type EncodedImage,
  type EngineOptions,
  type EverythingOptions,
  type FoundMasks,
  type ImageEmbedding,
  type Head,
  type PromptedMasks,
  type Prompts,
  type RequestOptions,
} from '../../../native/lib';
import type { RunTimings } from '../../common/inference';
import type { Pixels } from '../../imaging/pixels/pixels';

/** The engine, which tells of every answer how long its stages took. */
export class ObservedEngine extends Engine {
  constructor(
    options: EngineOptions,
    private readonly answered: (timings: RunTimings) => void,
  ) {
    super(options);
  }

  // segment() and classify() come through here.
  override async analyze(heads: readonly Head[], pixels: Pixels, options?: RequestOptions): Promise<Analysis> {
    return this.told(await super.analyze(heads, pixels, options));
  }

  override async encode(base: Base, pixels: Pixels, options: RequestOptions): Promise<EncodedImage> {
    return this.told(await super.encode(base, pixels, options));
  }

  override async embed(
    base: Base,
    pixels: Pixels,
    options: RequestOptions,
  ): Promise<EncodedImage & { embedding: ImageEmbedding }> {
    return this.told(await super.embed(base, pixels, options));
  }

  override async predictMasks(
    base: Base,
    pixels: Pixels | undefined,
    prompts: Prompts,
    options?: RequestOptions,
  ): Promise<PromptedMasks> {
    return this.told(await super.predictMasks(base, pixels, prompts, options));
  }

  override async findEverything(
    base: Base,
    pixels: Pixels | undefined,
    everything?: EverythingOptions,
    options?: RequestOptions,
  ): Promise<FoundMasks> {
    return this.told(await super.findEverything(base, pixels, everything, options));
  }

  private told<Answer extends { timings: RunTimings }>(answer: Answer): Answer {
    this.answered(answer.timings);
    return answer;
  }
}
