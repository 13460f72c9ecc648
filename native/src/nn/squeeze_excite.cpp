#include "nn/squeeze_excite.h"

#include <tuple>

namespace automed::nn {
namespace {

torch::nn::Conv2d pointwise(std::int64_t from, std::int64_t to) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, 1));
}

}  // namespace

ImprovedSEImpl::ImprovedSEImpl(std::int64_t channels) {
  channel = register_module("channel", pointwise(2 * channels, channels));
  spatial = register_module("spatial", pointwise(channels, 1));
}

torch::Tensor ImprovedSEImpl::forward(const torch::Tensor& x) {
  const torch::Tensor pooled = torch::cat(
      {torch::adaptive_avg_pool2d(x, {1, 1}), std::get<0>(torch::adaptive_max_pool2d(x, {1, 1}))}, 1);  // B,2C,1,1
  if (!torch::GradMode::is_enabled()) {
    const torch::Tensor weights = torch::sigmoid(channel->forward(pooled)).add_(1);  // B,C,1,1
    return (weights + torch::sigmoid(spatial->forward(x))).mul_(x);  // x * (1 + c + s), two passes instead of four
  }
  const torch::Tensor x_c = x * torch::sigmoid(channel->forward(pooled));
  const torch::Tensor x_s = x * torch::sigmoid(spatial->forward(x));  // weights B,1,H,W
  return x + x_c + x_s;
}

PlainSEImpl::PlainSEImpl(std::int64_t channels, std::int64_t squeeze) {
  fc1 = register_module("fc1", pointwise(channels, squeeze));
  fc2 = register_module("fc2", pointwise(squeeze, channels));
}

torch::Tensor PlainSEImpl::forward(const torch::Tensor& x) {
  const torch::Tensor squeezed = torch::adaptive_avg_pool2d(x, {1, 1});  // B,C,1,1
  return x * torch::hardsigmoid(fc2->forward(torch::relu(fc1->forward(squeezed))));
}

}  // namespace automed::nn
