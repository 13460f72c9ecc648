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
  if (folded_ && folded_->packed) return folded_->packed->forward(x);
  if (folded_) {
    const auto& options = conv->options;
    const auto padding = std::get<torch::ExpandingArray<2>>(options.padding());
    return activate(torch::conv2d(x, folded_->weight, folded_->bias, options.stride(), padding, options.dilation(),
                                  options.groups()),
                    activation_);
  }
  return activate(norm->forward(conv->forward(x)), activation_);
}

void ConvBnImpl::fold(Packer& packer) {
  if (folded_) return;
  const torch::NoGradGuard no_grad;
  const auto wide = [](const torch::Tensor& values) { return values.to(torch::kFloat64); };
  const torch::Tensor scale = wide(norm->weight) / (wide(norm->running_var) + norm->options.eps()).sqrt();  // C'
  Folded folded;
  folded.weight = (wide(conv->weight) * scale.view({-1, 1, 1, 1}))
                      .to(conv->weight.dtype())
                      .contiguous(torch::MemoryFormat::ChannelsLast);
  folded.bias = (wide(norm->bias) - wide(norm->running_mean) * scale).to(conv->weight.dtype());
  const std::int64_t kernel = folded.weight.size(2);
  folded.packed = packer.pack(folded.weight, folded.bias,
                              {.stride = (*conv->options.stride())[0],
                               .padding = (kernel - 1) / 2,
                               .groups = conv->options.groups(),
                               .activation = activation_});
  if (folded.packed) folded.weight = torch::Tensor();
  folded_ = std::move(folded);
  conv->weight.set_data(torch::empty({0}, conv->weight.options()));
}

void fold_batch_norms(torch::nn::Module& module, Packer& packer) {
  module.apply([&](torch::nn::Module& child) {
    if (auto* unit = child.as<ConvBn>()) unit->fold(packer);
  });
}

void set_batch_norm_momentum(torch::nn::Module& module, double momentum) {
  module.apply([momentum](torch::nn::Module& child) {
    if (auto* norm = child.as<torch::nn::BatchNorm2d>()) norm->options.momentum(momentum);
  });
}

}  // namespace automed::nn
