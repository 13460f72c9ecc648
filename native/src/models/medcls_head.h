#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <utility>

#include "models/config.h"
#include "models/spatial_attention.h"
#include "nn/conv_bn.h"

namespace automed::models {

struct MedClsHeadOptions {
  std::int64_t classes = 0;
  std::int64_t backbone_channels = 0;
  std::int64_t channels = 0;  // of the base's embedding
  bool attention = true;      // false: the ablation of Table 10 without both attention modules
  HeadConfig::Features features = HeadConfig::Features::kBoth;
};

/// SAM-MedCls after its two encoders (Fig. 6): spatial attention on the base's embedding, fusion with the projected
/// backbone features, channel attention, average pooling, MLP. With one kind of features alone (Table 10) these are
/// averaged and pass the MLP's two layers, channels -> channels -> classes; MobileNet's are projected to `channels`
/// before, as in the full head, so that the layers are the same.
/// prior [B, channels, g, g], features [B, backbone_channels, h, w] -> logits [B, classes];
/// what the config does not use may be undefined.
class MedClsHeadImpl : public torch::nn::Module {
 public:
  explicit MedClsHeadImpl(const MedClsHeadOptions& options);
  torch::Tensor forward(const torch::Tensor& prior, const torch::Tensor& features);
  /// The same logits, and what they would be if one place of the grid after another were left out of the average
  /// pooling: B,h,w,classes. Exact, and without gradients. A place of the grid has seen more of the image than what
  /// lies under it.
  std::pair<torch::Tensor, torch::Tensor> leave_one_out(const torch::Tensor& prior, const torch::Tensor& features);

  SpatialAttention spatial{nullptr};

 private:
  /// What is averaged: B,channels or 2*channels,h,w.
  torch::Tensor attended(const torch::Tensor& prior, const torch::Tensor& features);
  bool attention_;
  HeadConfig::Features features_;
  nn::ConvBn base{nullptr};  // backbone_channels -> channels
  torch::nn::Sequential mlp;
};
TORCH_MODULE(MedClsHead);

}  // namespace automed::models
