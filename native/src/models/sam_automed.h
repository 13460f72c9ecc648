#pragma once

#include <torch/torch.h>

#include "models/config.h"
#include "models/image_prompt.h"
#include "models/mask_decoder.h"
#include "models/sam.h"

namespace automed::models {

/// SAM-AutoMed (Fig. 2) without its frozen base: what is trained and stored as a model, the prompt branch and a mask
/// decoder of its own. One mask, no user prompt.
class SamAutoMedImpl : public torch::nn::Module {
 public:
  /// `base` fixes the widths.
  SamAutoMedImpl(const SamConfig& base, const HeadConfig& config);

  /// image [B, 3, S, S] normalised, embedding [B, C, g, g] of the base's image encoder -> logits [B, 1, 4g, 4g]
  torch::Tensor forward(const torch::Tensor& image, const torch::Tensor& embedding, Sam& base);

  ImagePrompt image_prompt{nullptr};
  MaskDecoder mask_decoder{nullptr};
};
TORCH_MODULE(SamAutoMed);

}  // namespace automed::models
