#include "models/hardnet.h"

#include <algorithm>
#include <array>

namespace automed::models {
namespace {

struct HarDStage {
  std::int64_t growth, layers, out;
  bool downsample;  // max pooling after the stage
};

// HarDNet-85 of the published code (order 85, depth_wise false).
constexpr std::array<std::int64_t, 2> kFirst = {48, 96};
constexpr double kMultiplier = 1.7;
constexpr double kDropout85 = 0.1;
constexpr std::array<HarDStage, 6> kStages85 = {{
    {24, 8, 192, true},
    {24, 16, 256, false},
    {28, 16, 320, true},
    {36, 16, 480, false},
    {48, 16, 720, true},
    {256, 4, 1280, false},
}};

struct LayerPlan {
  std::int64_t out_channels;
  std::vector<std::size_t> links;
};

/// Layer `number` of a block, counted from 1; number 0 is the block's input.
LayerPlan plan_layer(std::size_t number, const HarDBlockOptions& options) {
  if (number == 0) return {options.in_channels, {}};
  auto channels = static_cast<double>(options.growth);
  LayerPlan plan{};
  for (std::size_t step = 1; step <= number; step *= 2) {
    if (number % step != 0) continue;
    plan.links.push_back(number - step);
    if (step > 1) channels *= options.multiplier;
  }
  plan.out_channels = (static_cast<std::int64_t>(channels) + 1) / 2 * 2;
  return plan;
}

}  // namespace

std::int64_t scale_channels(std::int64_t channels, double width) {
  return std::max<std::int64_t>(4, static_cast<std::int64_t>(static_cast<double>(channels) * width + 1) / 2 * 2);
}

HarDNetConvImpl::HarDNetConvImpl(std::int64_t in_channels, std::int64_t out_channels, std::int64_t kernel,
                                 std::int64_t stride) {
  conv = register_module(
      "conv",
      torch::nn::Conv2d(
          torch::nn::Conv2dOptions(in_channels, out_channels, kernel).stride(stride).padding(kernel / 2).bias(false)));
  norm = register_module("norm", nn::BatchNorm(out_channels));
}

torch::Tensor HarDNetConvImpl::forward(const torch::Tensor& x) {
  return torch::relu6(norm->forward(conv->forward(x)));
}

HarDBlockImpl::HarDBlockImpl(const HarDBlockOptions& options) {
  layers = register_module("layers", torch::nn::ModuleList());
  const auto count = static_cast<std::size_t>(options.layers);
  for (std::size_t number = 1; number <= count; ++number) {
    LayerPlan plan = plan_layer(number, options);
    std::int64_t in_channels = 0;
    for (const std::size_t link : plan.links) in_channels += plan_layer(link, options).out_channels;
    layers->push_back(HarDNetConv(in_channels, plan.out_channels, 3));
    if (number % 2 == 1 || number == count) out_channels_ += plan.out_channels;
    links_.push_back(std::move(plan.links));
  }
}

torch::Tensor HarDBlockImpl::forward(const torch::Tensor& x) {
  std::vector<torch::Tensor> outputs = {x};
  for (std::size_t i = 0; i < links_.size(); ++i) {
    std::vector<torch::Tensor> inputs;
    for (const std::size_t link : links_[i]) inputs.push_back(outputs[link]);
    outputs.push_back(layers->ptr<HarDNetConvImpl>(i)->forward(inputs.size() == 1 ? inputs[0] : torch::cat(inputs, 1)));
  }
  std::vector<torch::Tensor> kept;
  for (std::size_t i = 1; i < outputs.size(); ++i) {
    if (i % 2 == 1 || i + 1 == outputs.size()) kept.push_back(outputs[i]);
  }
  return torch::cat(kept, 1);
}

HarDNetImpl::HarDNetImpl(const HarDNetConfig& config) {
  base = register_module("base", torch::nn::Sequential());
  std::int64_t channels = scale_channels(kFirst[1], config.width);
  base->push_back(HarDNetConv(3, scale_channels(kFirst[0], config.width), 3, /*stride=*/2));
  base->push_back(HarDNetConv(scale_channels(kFirst[0], config.width), channels, 3));
  taps_.push_back(base->size() - 1);
  channels_.push_back(channels);
  base->push_back(torch::nn::MaxPool2d(torch::nn::MaxPool2dOptions(3).stride(2).padding(1)));
  for (const HarDStage& stage : kStages85) {
    HarDBlock block(HarDBlockOptions{.in_channels = channels,
                                     .growth = scale_channels(stage.growth, config.width),
                                     .multiplier = kMultiplier,
                                     .layers = std::min(stage.layers, config.block_layers)});
    base->push_back(block);
    const bool last = &stage == &kStages85.back();
    if (last) base->push_back(torch::nn::Dropout(kDropout85));
    channels = scale_channels(stage.out, config.width);
    base->push_back(HarDNetConv(block->out_channels(), channels, 1));
    if (last || stage.downsample) {
      taps_.push_back(base->size() - 1);
      channels_.push_back(channels);
    }
    if (stage.downsample) base->push_back(torch::nn::MaxPool2d(torch::nn::MaxPool2dOptions(2).stride(2)));
  }
}

std::vector<torch::Tensor> HarDNetImpl::forward(const torch::Tensor& image, const BetweenSteps& between) {
  std::vector<torch::Tensor> maps;
  torch::Tensor x = image;
  std::size_t index = 0;
  for (auto& stage : *base) {
    x = stage.forward(x);
    look_up(between);
    if (maps.size() < taps_.size() && taps_[maps.size()] == index) maps.push_back(x);
    ++index;
  }
  return maps;
}

}  // namespace automed::models
