#include "models/sam_automed.h"

namespace automed::models {

SamAutoMedImpl::SamAutoMedImpl(const SamConfig& base, const HeadConfig& config) {
  image_prompt = register_module("image_prompt", ImagePrompt(config.mobilenet, base.encoder.out_channels));
  mask_decoder = register_module("mask_decoder", MaskDecoder(base.encoder.out_channels, base.decoder));
}

torch::Tensor SamAutoMedImpl::forward(const torch::Tensor& image, const torch::Tensor& embedding, Sam& base) {
  torch::Tensor gaussian, dense_pe, no_mask;
  {
    // The prompt encoder is frozen: it gives the coordinate system, it is not trained.
    torch::NoGradGuard no_grad;
    gaussian = base->prompt_encoder->gaussian();
    dense_pe = base->prompt_encoder->dense_pe();
    no_mask = base->prompt_encoder->no_mask(image.size(0));
  }
  const torch::Tensor tokens = image_prompt->forward(image, gaussian);
  return mask_decoder->forward(embedding, dense_pe, tokens, no_mask, /*multimask=*/false).masks;
}

}  // namespace automed::models
