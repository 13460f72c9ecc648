import type { Image } from '../../../proto/gen/automed/common/v1/Image';
import type { EncodeImageRequest } from '../../../proto/gen/automed/segmentation/v1/EncodeImageRequest';
import type { EncodeImageResponse__Output } from '../../../proto/gen/automed/segmentation/v1/EncodeImageResponse';
import type { PredictMasksRequest } from '../../../proto/gen/automed/segmentation/v1/PredictMasksRequest';
import type { PredictMasksResponse__Output } from '../../../proto/gen/automed/segmentation/v1/PredictMasksResponse';
import type { SegmentEverythingRequest } from '../../../proto/gen/automed/segmentation/v1/SegmentEverythingRequest';
import type { SegmentEverythingResponse__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentEverythingResponse';
import { AutomedError } from '../../common/errors';
import type { CallOptions } from '../core/options';

/** What prompts are put on. */
export interface PromptedImageSource {
  /** Names a base, or a segmentation model whose base is meant. */
  model: string;
  image: Image;
  /** What an earlier answer named; it is tried before the image is sent. */
  embeddingId?: string | undefined;
}

type Sourceless<R> = Omit<R, 'model' | 'image' | 'embeddingId' | 'source'>;
type Source = { image: Image } | { embeddingId: string };

/** What is asked about an image; InteractiveSegmentationClient. */
export interface InteractiveCalls {
  encodeImage(request: EncodeImageRequest, options?: CallOptions): Promise<EncodeImageResponse__Output>;
  predictMasks(request: PredictMasksRequest, options?: CallOptions): Promise<PredictMasksResponse__Output>;
  segmentEverything(
    request: SegmentEverythingRequest,
    options?: CallOptions,
  ): Promise<SegmentEverythingResponse__Output>;
}

/** An image whose embedding the server keeps for a while: prompts on it take milliseconds. */
export class PromptedImage {
  private id: string | undefined;

  constructor(
    private readonly calls: InteractiveCalls,
    private readonly source: PromptedImageSource,
  ) {
    this.id = source.embeddingId;
  }

  /** Names the embedding; undefined before the first answer. */
  get embeddingId(): string | undefined {
    return this.id;
  }

  /** Computes the embedding ahead of the first prompt. @throws AutomedError */
  async encode(options?: CallOptions): Promise<EncodeImageResponse__Output> {
    const { model, image } = this.source;
    return this.remember(await this.calls.encodeImage({ model, image }, options));
  }

  /** Draws what prompts describe. @throws AutomedError */
  async predictMasks(
    prompts: Sourceless<PredictMasksRequest>,
    options?: CallOptions,
  ): Promise<PredictMasksResponse__Output> {
    const { model } = this.source;
    return this.resending((source) => this.calls.predictMasks({ ...prompts, model, ...source }, options));
  }

  /** Draws everything that a grid of points finds. @throws AutomedError */
  async segmentEverything(
    settings: Sourceless<SegmentEverythingRequest> = {},
    options?: CallOptions,
  ): Promise<SegmentEverythingResponse__Output> {
    const { model } = this.source;
    return this.resending((source) => this.calls.segmentEverything({ ...settings, model, ...source }, options));
  }

  /** Whichever replica answers may not hold the embedding; then the image is sent. */
  private async resending<T extends { embeddingId: string }>(call: (source: Source) => Promise<T>): Promise<T> {
    const { image } = this.source;
    if (this.id === undefined) return this.remember(await call({ image }));
    try {
      return this.remember(await call({ embeddingId: this.id }));
    } catch (error) {
      if (!(error instanceof AutomedError) || error.code !== 'EMBEDDING_NOT_RESIDENT') throw error;
      return this.remember(await call({ image }));
    }
  }

  /** A server without room for embeddings names none. */
  private remember<T extends { embeddingId: string }>(answer: T): T {
    this.id = answer.embeddingId === '' ? undefined : answer.embeddingId;
    return answer;
  }
}
