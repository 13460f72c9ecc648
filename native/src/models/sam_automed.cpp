#include "models/sam_automed.h"

namespace automed::models {

SamAutoMedImpl::SamAutoMedImpl(const HeadConfig& config, const SamConfig& base) {
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

void SamAutoMedImpl::copy_decoder(Sam& base) {
  torch::NoGradGuard no_grad;
  const auto source = base->mask_decoder->named_parameters();
  for (auto& item : mask_decoder->named_parameters()) item.value().copy_(source[item.key()]);
}

}  // namespace automed::models
