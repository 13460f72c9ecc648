#include "nn/packed_convolution.h"

#include <string_view>

#include "nn/private_operator.h"

namespace automed::nn {
namespace {

/// Side and relative error of the comparison that every packed convolution must pass.
constexpr std::int64_t kProbeSide = 9;
constexpr double kConvolutionTolerance = 1e-4;

using ReorderConvolution = torch::Tensor(const torch::Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
                                         std::int64_t, at::OptionalIntArrayRef);
using PointwiseConvolution = torch::Tensor(const torch::Tensor&, const torch::Tensor&,
                                           const std::optional<torch::Tensor>&, at::IntArrayRef, at::IntArrayRef,
                                           at::IntArrayRef, std::int64_t, std::string_view,
                                           c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);

const auto& reorder_convolution() {
  static const auto kOperator = find_cpu_operator<ReorderConvolution>("mkldnn::_reorder_convolution_weight");
  return kOperator;
}

const auto& pointwise_convolution() {
  static const auto kOperator = find_cpu_operator<PointwiseConvolution>("mkldnn::_convolution_pointwise");
  return kOperator;
}

const char* attribute_of(ConvActivation activation) {
  switch (activation) {
    case ConvActivation::kRelu:
      return "relu";
    case ConvActivation::kHardswish:
      return "hardswish";
    case ConvActivation::kNone:
      break;
  }
  return "none";
}

}  // namespace

torch::Tensor activate(const torch::Tensor& x, ConvActivation activation) {
  switch (activation) {
    case ConvActivation::kRelu:
      return x.relu_();
    case ConvActivation::kHardswish:
      return torch::hardswish(x);
    case ConvActivation::kNone:
      break;
  }
  return x;
}

std::optional<PackedConvolution> PackedConvolution::pack(const torch::Tensor& weight, const torch::Tensor& bias,
                                                         const ConvolutionSpec& spec) {
  const torch::NoGradGuard no_grad;
  if (!weight.is_cpu() || weight.scalar_type() != torch::kFloat32) return std::nullopt;
  try {
    if (!reorder_convolution() || !pointwise_convolution()) return std::nullopt;
    const std::array<std::int64_t, 2> padding{spec.padding, spec.padding}, stride{spec.stride, spec.stride}, one{1, 1};
    PackedConvolution result(
        reorder_convolution()->call(weight.contiguous(), padding, stride, one, spec.groups, std::nullopt), bias, spec);
    const std::int64_t channels = weight.size(1) * spec.groups;
    const torch::Tensor probe = torch::linspace(-1, 1, channels * kProbeSide * kProbeSide, weight.options())
                                    .mul_(1000)
                                    .sin_()
                                    .view({1, channels, kProbeSide, kProbeSide})
                                    .contiguous(torch::MemoryFormat::ChannelsLast);
    const torch::Tensor expected =
        activate(torch::conv2d(probe, weight, bias, spec.stride, spec.padding, 1, spec.groups), spec.activation);
    const torch::Tensor error = (result.forward(probe) - expected).abs().max();
    const double bound = kConvolutionTolerance * (1e-6 + expected.abs().max().item<double>());
    if (!(error.item<double>() <= bound)) return std::nullopt;
    return result;
  } catch (const std::exception&) {  // c10::Error, and dnnl::error of the kernels
    // An interface that is not the one we know: plain weights serve as well.
    return std::nullopt;
  }
}

torch::Tensor PackedConvolution::forward(const torch::Tensor& x) const {
  const std::array<std::int64_t, 2> padding{spec_.padding, spec_.padding}, stride{spec_.stride, spec_.stride},
      one{1, 1};
  return pointwise_convolution()->call(x.contiguous(torch::MemoryFormat::ChannelsLast), packed_, bias_, padding, stride,
                                       one, spec_.groups, attribute_of(spec_.activation),
                                       c10::List<std::optional<at::Scalar>>(), "none");
}

}  // namespace automed::nn
