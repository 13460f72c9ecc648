// The console's mask decoder without its worker.

import type { EncodeImageResponse__Output } from '../../proto/gen/automed/segmentation/v1/EncodeImageResponse';
import type { GetMaskDecoderResponse__Output } from '../../proto/gen/automed/segmentation/v1/GetMaskDecoderResponse';
import { singlesOf } from '../../services/console-kit/decoder/float16';
import { MaskDecoder, type Prediction } from '../../services/console-kit/decoder/mask-decoder';
import { restoredMask, type Placement } from '../../services/console-kit/decoder/restore';

/** Draws on one image what a point describes. */
export class LocalMask {
  private readonly decoder: MaskDecoder;
  private readonly placement: Placement;
  private readonly size: { width: number; height: number };

  constructor(answer: GetMaskDecoderResponse__Output, { embedding, widthPx, heightPx }: EncodeImageResponse__Output) {
    const weights = new Map(
      answer.weights.map(({ name, tensor }) => [
        name,
        { shape: tensor?.shape ?? [], values: singlesOf(tensor?.data ?? new Uint8Array()) },
      ]),
    );
    this.decoder = new MaskDecoder(weights, {
      imageSize: answer.inputSizePx,
      side: answer.embeddingSide,
      heads: answer.headCount,
      depth: answer.layerCount,
      multimaskOutputs: answer.multimaskOutputCount,
      bestOfMultimask: answer.bestOfMultimask,
    });
    const { placement } = embedding ?? {};
    if (!embedding?.features || !placement) throw new Error('the embedding was not returned');
    this.decoder.look(singlesOf(embedding.features.data));
    this.placement = {
      size: placement.inputSizePx,
      left: placement.leftPx,
      top: placement.topPx,
      innerWidth: placement.innerWidthPx,
      innerHeight: placement.innerHeightPx,
    };
    this.size = { width: widthPx, height: heightPx };
  }

  draw(xPx: number, yPx: number): Prediction & { bits: Uint8Array } {
    const { placement, size } = this;
    const x = (xPx * placement.innerWidth) / size.width + placement.left;
    const y = (yPx * placement.innerHeight) / size.height + placement.top;
    const prediction = this.decoder.predict({ x, y, foreground: true });
    return { ...prediction, bits: restoredMask(prediction.logits, placement, size.width, size.height) };
  }
}
