#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace automed::nn {

/// Squeeze-and-excitation with a parallel spatial branch (SAM-AutoMed paper, Fig. 5): X + X_C + X_S. Average- and
/// max-pooled features weigh the channels, a 1x1 convolution weighs the pixels; there are no linear layers.
/// [B, C, H, W] -> [B, C, H, W]
class ImprovedSEImpl : public torch::nn::Module {
 public:
  explicit ImprovedSEImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d channel{nullptr};  // 2C -> C
  torch::nn::Conv2d spatial{nullptr};  // C -> 1
};
TORCH_MODULE(ImprovedSE);

/// MobileNetV3's own squeeze-and-excitation (Howard et al. 2019), kept for the ablations (Tables 9 and 10).
/// [B, C, H, W] -> [B, C, H, W]
class PlainSEImpl : public torch::nn::Module {
 public:
  PlainSEImpl(std::int64_t channels, std::int64_t squeeze);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d fc1{nullptr};  // C -> squeeze
  torch::nn::Conv2d fc2{nullptr};  // squeeze -> C
};
TORCH_MODULE(PlainSE);

}  // namespace automed::nn
