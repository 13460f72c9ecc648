import { call, CallError, type CallOptions } from './call';
import { persist } from './persist';
import type { EncodeImageResponse, Image, PredictMasksResponse, Prompts } from './types';

const SERVICE = 'automed.segmentation.v1.InteractiveSegmentationService';

/** An image on one base: the first call encodes it, later ones name what the replica kept of it. */
export class InteractiveImage {
  private embeddingId = '';
  private encoding: Promise<EncodeImageResponse> | undefined;

  constructor(
    /** `name@version` of a base. */
    readonly model: string,
    private readonly image: () => Image,
  ) {}

  /** Lets the server look at the image; prompts wait for it. The answer holds what it saw. */
  encode(options: CallOptions & { onWait?: () => void } = {}): Promise<EncodeImageResponse> {
    const ask = (): Promise<EncodeImageResponse> =>
      call(SERVICE, 'EncodeImage', { model: this.model, image: this.image(), returnEmbedding: true }, options);
    this.encoding ??= persist(ask, options).then(
      (answer) => {
        this.embeddingId = answer.embeddingId ?? '';
        return answer;
      },
      (error: unknown) => {
        this.encoding = undefined;
        throw error;
      },
    );
    return this.encoding;
  }

  /** What the prompts describe. Where the embedding is gone the image travels again. */
  async predict(
    prompts: Prompts,
    options: CallOptions & { logits?: boolean; once?: boolean; onWait?: () => void } = {},
  ): Promise<PredictMasksResponse> {
    const ask = (): Promise<PredictMasksResponse> => this.ask(prompts, options);
    const answer = await (options.once ? ask() : persist(ask, options));
    this.embeddingId = answer.embeddingId ?? '';
    return answer;
  }

  private async ask(prompts: Prompts, options: CallOptions & { logits?: boolean }): Promise<PredictMasksResponse> {
    const { model, embeddingId } = this;
    const request = { model, ...prompts, maskFormat: 'MASK_FORMAT_COCO_RLE', returnLogits: options.logits ?? false };
    const send = (source: object): Promise<PredictMasksResponse> =>
      call(SERVICE, 'PredictMasks', { ...request, ...source }, options);
    if (embeddingId === '') return send({ image: this.image() });
    try {
      return await send({ embeddingId });
    } catch (error) {
      if (!(error instanceof CallError) || error.reason !== 'EMBEDDING_NOT_RESIDENT') throw error;
      return send({ image: this.image() });
    }
  }
}
