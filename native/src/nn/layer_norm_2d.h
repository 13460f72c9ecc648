#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace automed::nn {

/// Layer norm over the channels of each pixel (SAM, `LayerNorm2d`), eps 1e-6.
/// [B, C, H, W] -> [B, C, H, W]
class LayerNorm2dImpl : public torch::nn::Module {
 public:
  explicit LayerNorm2dImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);
  /// The same with the channels in the last dimension. [..., C] -> [..., C]
  torch::Tensor forward_last(const torch::Tensor& x);

 private:
  torch::Tensor weight, bias;
};
TORCH_MODULE(LayerNorm2d);

}  // namespace automed::nn
