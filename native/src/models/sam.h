#pragma once

#include <torch/torch.h>

#include "models/config.h"
#include "models/image_encoder.h"
#include "models/mask_decoder.h"
#include "models/prompt_encoder.h"

namespace automed::models {

/// SAM, or with adapters SAM-Med2D: a base. The parts are called one by one, because they run at different times: one
/// embedding serves many prompts and heads. Its state dict is the published checkpoint's.
class SamImpl : public torch::nn::Module {
 public:
  explicit SamImpl(const SamConfig& config);
  const SamConfig& config() const { return config_; }

  /// Low-resolution mask logits as this base reads them when they come back as a prompt: SAM takes them as they are,
  /// SAM-Med2D (with adapters) their sigmoid, as each was trained. Same shape.
  torch::Tensor mask_prompt(const torch::Tensor& logits) const;

  ImageEncoder image_encoder{nullptr};
  PromptEncoder prompt_encoder{nullptr};
  MaskDecoder mask_decoder{nullptr};

 private:
  SamConfig config_;
};
TORCH_MODULE(Sam);

}  // namespace automed::models
