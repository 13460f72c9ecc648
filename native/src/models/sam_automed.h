#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "core/between_steps.h"
#include "models/config.h"
#include "models/image_prompt.h"
#include "models/mask_decoder.h"
#include "models/sam.h"

namespace automed::models {

/// SAM-AutoMed (Fig. 2) without its frozen base: what is trained and stored as a model, the prompt branch and a mask
/// decoder of its own. No user prompt. The paper draws one mask, with the first of the base's mask tokens; a head of K
/// structures has a decoder of K tokens, and draws K masks that may overlap. With a frozen decoder (Table 9) the head
/// is the prompt branch alone and draws with the base's.
class SamAutoMedImpl : public torch::nn::Module {
 public:
  /// `base` fixes the widths.
  SamAutoMedImpl(const SamConfig& base, const HeadConfig& config);

  /// image [B, 3, S, S] normalised, embedding [B, C, g, g] of the base's image encoder -> logits [B, K, 4g, 4g]
  torch::Tensor forward(const torch::Tensor& image, const torch::Tensor& embedding, Sam& base,
                        const BetweenSteps& between = {});

  ImagePrompt image_prompt{nullptr};
  MaskDecoder mask_decoder{nullptr};  // null: the base's

 private:
  std::int64_t structures_;
};
TORCH_MODULE(SamAutoMed);

}  // namespace automed::models
