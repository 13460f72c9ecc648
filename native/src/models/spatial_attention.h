#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace automed::models {

/// SAM-MedCls' spatial attention (Fig. 7a, Eq. 4): every pixel attends to the multiscale context, plus a residual.
/// Queries and keys have half of the channels; the softmax runs over the contexts of each pixel.
/// [B, C, H, W] -> [B, C, H, W]
class SpatialAttentionImpl : public torch::nn::Module {
 public:
  explicit SpatialAttentionImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d query{nullptr};  // C -> C/2
  torch::nn::Conv1d key{nullptr};    // C -> C/2
  torch::nn::Conv1d value{nullptr};  // C -> C
};
TORCH_MODULE(SpatialAttention);

}  // namespace automed::models
