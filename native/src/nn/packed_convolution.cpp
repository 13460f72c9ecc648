#include "nn/packed_convolution.h"

#include <cmath>
#include <map>
#include <mutex>
#include <string_view>
#include <tuple>
#include <vector>

#include "nn/private_operator.h"

namespace automed::nn {
namespace {

/// Side and relative error of the comparison that a packed convolution of each shape must pass.
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

/// Whether a packed convolution answers as the plain one; nothing where that cannot be told, since the plain one
/// answers zeros or what is not finite.
std::optional<bool> agree(const PackedConvolution& packed, const torch::Tensor& weight, const torch::Tensor& bias,
                          const ConvolutionSpec& spec) {
  const std::int64_t channels = weight.size(1) * spec.groups;
  const torch::Tensor probe = torch::linspace(-1, 1, channels * kProbeSide * kProbeSide, weight.options())
                                  .mul_(1000)
                                  .sin_()
                                  .view({1, channels, kProbeSide, kProbeSide})
                                  .contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor expected =
      activate(torch::conv2d(probe, weight, bias, spec.stride, spec.padding, 1, spec.groups), spec.activation);
  const auto largest = expected.abs().max().item<double>();
  if (!std::isfinite(largest) || largest == 0) return std::nullopt;
  const torch::Tensor error = (packed.forward(probe) - expected).abs().max();
  return error.item<double>() <= kConvolutionTolerance * (1e-6 + largest);
}

/// What was found of convolutions, one of each shape: which kernel answers follows from the shape.
class Agreements {
 public:
  bool serves(const PackedConvolution& packed, const torch::Tensor& weight, const torch::Tensor& bias,
              const ConvolutionSpec& spec) {
    const Shape shape(weight.sizes().vec(), spec.stride, spec.padding, spec.groups, spec.activation);
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(shape);
    if (known != known_.end()) return known->second;
    const auto agreement = agree(packed, weight, bias, spec);
    if (!agreement) return false;  // plain, and the next of this shape is asked
    return known_[shape] = *agreement;
  }

 private:
  using Shape = std::tuple<std::vector<std::int64_t>, std::int64_t, std::int64_t, std::int64_t, ConvActivation>;
  std::mutex mutex_;
  std::map<Shape, bool> known_;
};

Agreements& agreements() {
  static Agreements instance;
  return instance;
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
    if (!agreements().serves(result, weight, bias, spec)) return std::nullopt;
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
