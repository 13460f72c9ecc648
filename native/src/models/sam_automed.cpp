#include "models/sam_automed.h"

namespace automed::models {

SamAutoMedImpl::SamAutoMedImpl(const SamConfig& base, const HeadConfig& config) : structures_(config.structures) {
  image_prompt = register_module("image_prompt", ImagePrompt(config.mobilenet, base.encoder.out_channels));
  if (config.frozen_decoder) return;
  DecoderConfig decoder = base.decoder;
  if (structures_ > 1) decoder.multimask_outputs = structures_ - 1;  // one mask token for each structure
  mask_decoder = register_module("mask_decoder", MaskDecoder(base.encoder.out_channels, decoder));
}

torch::Tensor SamAutoMedImpl::forward(const torch::Tensor& image, const torch::Tensor& embedding, Sam& base,
                                      const BetweenSteps& between) {
  torch::Tensor gaussian, dense_pe, no_mask;
  {
    // The prompt encoder is frozen: it gives the coordinate system, it is not trained.
    torch::NoGradGuard no_grad;
    gaussian = base->prompt_encoder->gaussian();
    dense_pe = base->prompt_encoder->dense_pe();
    no_mask = base->prompt_encoder->no_mask(image.size(0));
  }
  const torch::Tensor tokens = image_prompt->forward(image, gaussian);
  look_up(between);
  MaskDecoder& decoder = mask_decoder.is_empty() ? base->mask_decoder : mask_decoder;
  if (structures_ > 1) return decoder->all_masks(embedding, dense_pe, tokens, no_mask, between).masks;
  return decoder->forward(embedding, dense_pe, tokens, no_mask, /*multimask=*/false, between).masks;
}

}  // namespace automed::models
