#include "nn/conv_bn.h"

namespace automed::nn {
namespace {

constexpr double kBatchNormEps = 1e-3;
constexpr double kMomentum = 0.01;

}  // namespace

ConvBnImpl::ConvBnImpl(const ConvBnOptions& options) : activation_(options.activation) {
  conv = register_module(
      "0", torch::nn::Conv2d(torch::nn::Conv2dOptions(options.in_channels, options.out_channels, options.kernel)
                                 .stride(options.stride)
                                 .padding((options.kernel - 1) / 2)
                                 .groups(options.groups)
                                 .bias(false)));
  norm = register_module(
      "1", BatchNorm(torch::nn::BatchNorm2dOptions(options.out_channels).eps(kBatchNormEps).momentum(kMomentum)));
}

torch::Tensor ConvBnImpl::forward(const torch::Tensor& x) {
  torch::Tensor y = norm->forward(conv->forward(x));
  switch (activation_) {
    case ConvActivation::kRelu:
      return y.relu_();
    case ConvActivation::kHardswish:
      return torch::hardswish(y);
    case ConvActivation::kNone:
      break;
  }
  return y;
}

void set_batch_norm_momentum(torch::nn::Module& module, double momentum) {
  module.apply([momentum](torch::nn::Module& child) {
    if (auto* norm = child.as<torch::nn::BatchNorm2d>()) norm->options.momentum(momentum);
  });
}

}  // namespace automed::nn
