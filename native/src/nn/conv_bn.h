#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "nn/batch_norm.h"

namespace automed::nn {

enum class ConvActivation { kNone, kRelu, kHardswish };

struct ConvBnOptions {
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  std::int64_t kernel = 1;  // odd; padded so that stride 1 keeps the size
  std::int64_t stride = 1;
  std::int64_t groups = 1;
  ConvActivation activation = ConvActivation::kNone;
};

/// Convolution without bias -> batch norm (eps 1e-3, momentum 0.01) -> activation: MobileNetV3's unit
/// (torchvision's `Conv2dNormActivation`; names `0` and `1`).
/// [B, C, H, W] -> [B, C', H / stride, W / stride]
class ConvBnImpl : public torch::nn::Module {
 public:
  explicit ConvBnImpl(const ConvBnOptions& options);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  ConvActivation activation_;
  torch::nn::Conv2d conv{nullptr};  // registered as `0`
  BatchNorm norm{nullptr};          // registered as `1`
};
TORCH_MODULE(ConvBn);

/// Sets the share of the newest batch in the running statistics of every batch norm in `module`. The published 0.01
/// suits long runs; short ones need more, or evaluation uses statistics that never left their initial values.
void set_batch_norm_momentum(torch::nn::Module& module, double momentum);

}  // namespace automed::nn
