#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>

#include "core/between_steps.h"
#include "models/config.h"
#include "models/two_way_transformer.h"
#include "nn/mlp.h"
#include "nn/packed_weight.h"

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
  /// Packs weights for inference; they are no parameters any more. `grid`: edge of the token grid.
  void pack(nn::Packer& packer, std::int64_t grid);

 private:
  MaskPrediction predict(const torch::Tensor& embedding, const torch::Tensor& image_pe, const torch::Tensor& sparse,
                         const torch::Tensor& dense, std::int64_t first, std::int64_t count,
                         const BetweenSteps& between);
  /// The decoded image's vectors [B, gg, C], multiplied at four times the resolution by those of each mask [B, n, C/8].
  /// -> B,n,4g,4g
  torch::Tensor draw(const torch::Tensor& keys, const torch::Tensor& weights, std::int64_t grid);

  /// A transposed convolution of stride and kernel 2: each position gives four, and no two meet, so it is a linear
  /// layer with the weights [4 * out, in] and a bias [4 * out], whose channels run fastest.
  struct Doubling {
    nn::PackedWeight weight;
    torch::Tensor bias;
  };
  static std::optional<Doubling> pack_doubling(nn::Packer& packer, torch::nn::ConvTranspose2dImpl& layer,
                                               std::int64_t rows);

  std::int64_t mask_tokens_;  // one for the single mask, then the multiple ones
  TwoWayTransformer transformer{nullptr};
  torch::nn::Embedding iou_token{nullptr};
  torch::nn::Embedding mask_tokens{nullptr};
  torch::nn::Sequential output_upscaling;  // C,g,g -> C/8,4g,4g
  torch::nn::ModuleList output_hypernetworks_mlps;
  nn::MLP iou_prediction_head{nullptr};
  std::optional<Doubling> first_doubling_, second_doubling_;
};
TORCH_MODULE(MaskDecoder);

/// Gives `to` the weights of `from`, a decoder of the same widths with perhaps another number of mask tokens: what
/// belongs to token i comes from token i, beginning again at the first where `from` has no more.
void adopt_weights(const MaskDecoderImpl& from, MaskDecoderImpl& to);

}  // namespace automed::models
