#include "models/sam.h"

namespace automed::models {

SamImpl::SamImpl(const SamConfig& config) : config_(config) {
  image_encoder = register_module("image_encoder", ImageEncoder(config.encoder));
  prompt_encoder = register_module("prompt_encoder", PromptEncoder(config.encoder));
  mask_decoder = register_module("mask_decoder", MaskDecoder(config.encoder.out_channels, config.decoder));
}

torch::Tensor SamImpl::mask_prompt(const torch::Tensor& logits) const {
  return config_.encoder.adapter ? torch::sigmoid(logits) : logits;
}

}  // namespace automed::models
