#include "models/mobilenet_v3.h"

#include <algorithm>
#include <array>

#include "nn/squeeze_excite.h"

namespace automed::models {
namespace {

// kernel, expanded, out, squeeze-excite, hard-swish, stride (Howard et al. 2019, Table 1: MobileNetV3-Large)
constexpr std::array<InvertedResidualRow, 15> kLarge = {{
    {3, 16, 16, false, false, 1},
    {3, 64, 24, false, false, 2},
    {3, 72, 24, false, false, 1},
    {5, 72, 40, true, false, 2},
    {5, 120, 40, true, false, 1},
    {5, 120, 40, true, false, 1},
    {3, 240, 80, false, true, 2},
    {3, 200, 80, false, true, 1},
    {3, 184, 80, false, true, 1},
    {3, 184, 80, false, true, 1},
    {3, 480, 112, true, true, 1},
    {3, 672, 112, true, true, 1},
    {5, 672, 160, true, true, 2},
    {5, 960, 160, true, true, 1},
    {5, 960, 160, true, true, 1},
}};
constexpr std::int64_t kStem = 16;
constexpr std::int64_t kLastExpansion = 6;
constexpr std::int64_t kDivisor = 8;

/// The nearest multiple of 8 that loses at most 10 % (MobileNet's convention).
std::int64_t divisible(double value) {
  const auto half = static_cast<std::int64_t>(value + kDivisor / 2.0);
  const std::int64_t rounded = std::max(kDivisor, half / kDivisor * kDivisor);
  return static_cast<double>(rounded) < 0.9 * value ? rounded + kDivisor : rounded;
}

/// torchvision's initialisation; the squeeze-excite blocks are part of it.
void initialise(torch::nn::Module& module) {
  module.apply([](torch::nn::Module& child) {
    if (auto* conv = child.as<torch::nn::Conv2d>()) {
      torch::nn::init::kaiming_normal_(conv->weight, 0, torch::kFanOut);
      if (conv->bias.defined()) torch::nn::init::zeros_(conv->bias);
    }
  });
}

}  // namespace

InvertedResidualImpl::InvertedResidualImpl(std::int64_t in_channels, const InvertedResidualRow& row, bool improved_se)
    : residual_(row.stride == 1 && in_channels == row.out) {
  const auto activation = row.hard_swish ? nn::ConvActivation::kHardswish : nn::ConvActivation::kRelu;
  block = register_module("block", torch::nn::Sequential());
  if (row.expanded != in_channels) {
    block->push_back(nn::ConvBn(nn::ConvBnOptions{
        .in_channels = in_channels, .out_channels = row.expanded, .kernel = 1, .activation = activation}));
  }
  block->push_back(nn::ConvBn(nn::ConvBnOptions{.in_channels = row.expanded,
                                                .out_channels = row.expanded,
                                                .kernel = row.kernel,
                                                .stride = row.stride,
                                                .groups = row.expanded,
                                                .activation = activation}));
  if (row.squeeze_excite && improved_se) {
    block->push_back(nn::ImprovedSE(row.expanded));
  } else if (row.squeeze_excite) {
    const std::int64_t quarter = row.expanded / 4;  // rounded down, as torchvision does
    block->push_back(nn::PlainSE(row.expanded, divisible(static_cast<double>(quarter))));
  }
  block->push_back(nn::ConvBn(nn::ConvBnOptions{.in_channels = row.expanded, .out_channels = row.out, .kernel = 1}));
}

torch::Tensor InvertedResidualImpl::forward(const torch::Tensor& x) {
  torch::Tensor y = block->forward(x);
  if (!residual_) return y;
  return torch::GradMode::is_enabled() ? x + y : y.add_(x);
}

MobileNetV3Impl::MobileNetV3Impl(const MobileNetConfig& config) {
  const auto scaled = [&](std::int64_t channels) { return divisible(static_cast<double>(channels) * config.width); };
  features = register_module("features", torch::nn::Sequential());
  std::int64_t channels = scaled(kStem);
  features->push_back(nn::ConvBn(nn::ConvBnOptions{.in_channels = 3,
                                                   .out_channels = channels,
                                                   .kernel = 3,
                                                   .stride = 2,
                                                   .activation = nn::ConvActivation::kHardswish}));
  for (InvertedResidualRow row : kLarge) {
    row.expanded = scaled(row.expanded);
    row.out = scaled(row.out);
    features->push_back(InvertedResidual(channels, row, config.improved_se));
    channels = row.out;
  }
  out_channels_ = kLastExpansion * channels;
  features->push_back(nn::ConvBn(nn::ConvBnOptions{.in_channels = channels,
                                                   .out_channels = out_channels_,
                                                   .kernel = 1,
                                                   .activation = nn::ConvActivation::kHardswish}));
  initialise(*this);
}

torch::Tensor MobileNetV3Impl::forward(const torch::Tensor& image) {
  return features->forward(image);
}

std::vector<torch::Tensor> MobileNetV3Impl::stages(const torch::Tensor& image) {
  std::vector<torch::Tensor> outputs;
  torch::Tensor x = image;
  for (auto& stage : *features) {
    x = stage.forward(x);
    outputs.push_back(x);
  }
  return outputs;
}

}  // namespace automed::models
