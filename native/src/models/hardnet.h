#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "core/between_steps.h"
#include "models/config.h"
#include "nn/batch_norm.h"

namespace automed::models {

/// Published channels at another width: even, as the published widths are, and at least 4.
std::int64_t scale_channels(std::int64_t channels, double width);

/// Convolution without bias -> batch norm -> ReLU6: HarDNet's unit (`ConvLayer`; names `conv` and `norm`).
/// [B, C, H, W] -> [B, C', H / stride, W / stride]
class HarDNetConvImpl : public torch::nn::Module {
 public:
  HarDNetConvImpl(std::int64_t in_channels, std::int64_t out_channels, std::int64_t kernel, std::int64_t stride = 1);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d conv{nullptr};
  nn::BatchNorm norm{nullptr};
};
TORCH_MODULE(HarDNetConv);

/// Widths of a harmonic dense block.
struct HarDBlockOptions {
  std::int64_t in_channels;
  std::int64_t growth;
  double multiplier;  // of the growth, once for each power of two that divides a layer's number
  std::int64_t layers;
};

/// Harmonic dense block (`HarDBlock`): layer n reads the layers n - 2^i for every 2^i that divides n, so that even
/// layers are wide hubs and odd ones narrow. What leaves are the odd layers and the last one, concatenated.
/// [B, in, H, W] -> [B, out_channels(), H, W]
class HarDBlockImpl : public torch::nn::Module {
 public:
  explicit HarDBlockImpl(const HarDBlockOptions& options);
  torch::Tensor forward(const torch::Tensor& x);
  std::int64_t out_channels() const { return out_channels_; }

 private:
  std::vector<std::vector<std::size_t>> links_;  // of each layer: which earlier outputs it reads; 0 is the input
  std::int64_t out_channels_ = 0;
  torch::nn::ModuleList layers;
};
TORCH_MODULE(HarDBlock);

/// HarDNet-85's feature extractor (Chao et al. 2019, "HarDNet: A Low Memory Traffic Network", without depth-wise
/// convolutions), names as published (`base.N`), at any width and block depth.
/// [B, 3, S, S] -> five maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of S with channels().
class HarDNetImpl : public torch::nn::Module {
 public:
  explicit HarDNetImpl(const HarDNetConfig& config);
  std::vector<torch::Tensor> forward(const torch::Tensor& image, const BetweenSteps& between = {});
  /// Of the five maps.
  const std::vector<std::int64_t>& channels() const { return channels_; }

 private:
  std::vector<std::size_t> taps_;  // stages whose outputs leave
  std::vector<std::int64_t> channels_;
  torch::nn::Sequential base;
};
TORCH_MODULE(HarDNet);

}  // namespace automed::models
