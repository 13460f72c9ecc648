#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "models/config.h"
#include "nn/conv_bn.h"

namespace automed::models {

using nn::set_batch_norm_momentum;

/// A row of Howard et al. 2019, Table 1.
struct InvertedResidualRow {
  std::int64_t kernel, expanded, out;
  bool squeeze_excite, hard_swish;
  std::int64_t stride;
};

/// MobileNetV3's block: expand -> depthwise -> squeeze-excite -> project, with a residual where shapes allow
/// (SAM-AutoMed paper, Fig. 4). Child names follow torchvision's `block.N.*`. [B, C, H, W] -> [B, C', H / stride, W /
/// stride]
class InvertedResidualImpl : public torch::nn::Module {
 public:
  /// `row` already scaled to the network's width.
  InvertedResidualImpl(std::int64_t in_channels, const InvertedResidualRow& row, bool improved_se);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  bool residual_;
  torch::nn::Sequential block;
};
TORCH_MODULE(InvertedResidual);

/// MobileNetV3-Large's feature extractor at any width, with the paper's squeeze-excite blocks or its own. Names equal
/// torchvision's `mobilenet_v3_large().features`, so its published weights load into the plain variant as they are.
/// [B, 3, S, S] -> [B, out_channels(), S / 32, S / 32]
class MobileNetV3Impl : public torch::nn::Module {
 public:
  explicit MobileNetV3Impl(const MobileNetConfig& config);
  torch::Tensor forward(const torch::Tensor& image);
  /// The output of every stage, `features.0` to `features.16`.
  std::vector<torch::Tensor> stages(const torch::Tensor& image);
  std::int64_t out_channels() const { return out_channels_; }

 private:
  std::int64_t out_channels_;
  torch::nn::Sequential features;
};
TORCH_MODULE(MobileNetV3);

}  // namespace automed::models
