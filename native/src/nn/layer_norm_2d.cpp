#include "nn/layer_norm_2d.h"

namespace automed::nn {
namespace {

constexpr double kLayerNorm2dEps = 1e-6;

}  // namespace

LayerNorm2dImpl::LayerNorm2dImpl(std::int64_t channels) {
  weight = register_parameter("weight", torch::ones({channels}));
  bias = register_parameter("bias", torch::zeros({channels}));
}

torch::Tensor LayerNorm2dImpl::forward(const torch::Tensor& x) {
  // The fused kernel works on the last dimension; the two permutes are views.
  const torch::Tensor channels_last = x.permute({0, 2, 3, 1});  // B,H,W,C
  return forward_last(channels_last).permute({0, 3, 1, 2});
}

torch::Tensor LayerNorm2dImpl::forward_last(const torch::Tensor& x) {
  return torch::layer_norm(x, weight.sizes(), weight, bias, kLayerNorm2dEps);
}

}  // namespace automed::nn
