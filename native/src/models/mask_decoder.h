#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "core/between_steps.h"
#include "models/config.h"
#include "models/two_way_transformer.h"
#include "nn/mlp.h"

namespace automed::models {

struct MaskPrediction {
  torch::Tensor masks;  // B,n,4*grid,4*grid logits
  torch::Tensor iou;    // B,n: the model's estimate of each mask's IoU
};

/// SAM's mask decoder (`MaskDecoder`). One image embedding per prompt, as SAM-Med2D has it; a single embedding serves
/// any number of prompts, as in SAM.
class MaskDecoderImpl : public torch::nn::Module {
 public:
  MaskDecoderImpl(std::int64_t channels, const DecoderConfig& config);

  /// embedding [B or 1, C, g, g], image_pe [1, C, g, g], sparse [B, N, C], dense [B, C, g, g]. n = 1 without, the
  /// config's `multimask_outputs` with `multimask`. Throws kShapeMismatch.
  MaskPrediction forward(const torch::Tensor& embedding, const torch::Tensor& image_pe, const torch::Tensor& sparse,
                         const torch::Tensor& dense, bool multimask, const BetweenSteps& between = {});

  /// One mask for every mask token: n is their number. For decoders whose tokens stand for structures.
  MaskPrediction all_masks(const torch::Tensor& embedding, const torch::Tensor& image_pe, const torch::Tensor& sparse,
                           const torch::Tensor& dense, const BetweenSteps& between = {});
  std::int64_t token_count() const { return mask_tokens_; }

 private:
  MaskPrediction predict(const torch::Tensor& embedding, const torch::Tensor& image_pe, const torch::Tensor& sparse,
                         const torch::Tensor& dense, std::int64_t first, std::int64_t count,
                         const BetweenSteps& between);

  std::int64_t mask_tokens_;  // one for the single mask, then the multiple ones
  TwoWayTransformer transformer{nullptr};
  torch::nn::Embedding iou_token{nullptr};
  torch::nn::Embedding mask_tokens{nullptr};
  torch::nn::Sequential output_upscaling;  // C,g,g -> C/8,4g,4g
  torch::nn::ModuleList output_hypernetworks_mlps;
  nn::MLP iou_prediction_head{nullptr};
};
TORCH_MODULE(MaskDecoder);

/// Gives `to` the weights of `from`, a decoder of the same widths with perhaps another number of mask tokens: what
/// belongs to token i comes from token i, beginning again at the first where `from` has no more.
void adopt_weights(const MaskDecoderImpl& from, MaskDecoderImpl& to);

}  // namespace automed::models
