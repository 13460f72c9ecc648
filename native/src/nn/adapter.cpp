#include "nn/adapter.h"

namespace automed::nn {
namespace {

constexpr std::int64_t kSqueeze = 4;

}  // namespace

AdapterImpl::AdapterImpl(std::int64_t width) {
  norm = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})));
  const auto linear = [](std::int64_t from, std::int64_t to) {
    return torch::nn::Linear(torch::nn::LinearOptions(from, to).bias(false));
  };
  channel = register_module("channel", torch::nn::Sequential(linear(width, width / kSqueeze), torch::nn::ReLU(),
                                                             linear(width / kSqueeze, width), torch::nn::Sigmoid()));
  const auto down = torch::nn::Conv2dOptions(width, width, 3).stride(2).padding(1).bias(false);
  const auto up = torch::nn::ConvTranspose2dOptions(width, width, 4).stride(2).padding(1).bias(false);
  spatial = register_module("spatial", torch::nn::Sequential(torch::nn::Conv2d(down), torch::nn::ReLU(),
                                                             torch::nn::ConvTranspose2d(up), torch::nn::ReLU()));
  for (auto& parameter : parameters()) {
    if (parameter.dim() > 1) torch::nn::init::kaiming_normal_(parameter, 0, torch::kFanOut, torch::kReLU);
  }
}

torch::Tensor AdapterImpl::forward(const torch::Tensor& x) {
  const torch::Tensor gate = channel->forward(x.mean(torch::IntArrayRef{1, 2}));           // B,C
  const torch::Tensor gated = (x * gate.unsqueeze(1).unsqueeze(1)).permute({0, 3, 1, 2});  // B,C,H,W
  return norm->forward(x + spatial->forward(gated).permute({0, 2, 3, 1}));                 // B,H,W,C
}

}  // namespace automed::nn
