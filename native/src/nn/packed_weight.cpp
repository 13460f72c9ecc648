#include "nn/packed_weight.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "nn/private_operator.h"

namespace automed::nn {
namespace {

/// Vectors and relative error of the comparison that a packed weight of each shape must pass.
constexpr std::int64_t kProbeRows = 16;
constexpr double kProbeTolerance = 1e-4, kBFloat16ProbeTolerance = 2e-2;

constexpr int kTrials = 3;
/// Plain weights must be clearly faster to be kept: a neighbour on the machine disturbs single measurements.
constexpr double kMargin = 1.1;

using Reorder = torch::Tensor(const torch::Tensor&, std::optional<std::int64_t>);
using Pointwise = torch::Tensor(const torch::Tensor&, const torch::Tensor&, const std::optional<torch::Tensor>&,
                                std::string_view, c10::List<std::optional<at::Scalar>>,
                                std::optional<std::string_view>);

const std::optional<c10::TypedOperatorHandle<Reorder>>& reorder() {
  static const auto kOperator = find_cpu_operator<Reorder>("mkldnn::_reorder_linear_weight");
  return kOperator;
}

const std::optional<c10::TypedOperatorHandle<Pointwise>>& pointwise() {
  static const auto kOperator = find_cpu_operator<Pointwise>("mkldnn::_linear_pointwise");
  return kOperator;
}

const char* attribute(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return "relu";
    case Activation::kGelu:
      return "gelu";
    case Activation::kNone:
      break;
  }
  return "none";
}

template <typename Call>
double seconds(Call call) {
  const auto begin = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

std::optional<PackedWeight> PackedWeight::pack(const torch::Tensor& weight, std::int64_t rows) {
  const torch::NoGradGuard no_grad;
  const auto type = weight.scalar_type();
  if (!weight.is_cpu() || (type != torch::kFloat32 && type != torch::kBFloat16)) return std::nullopt;
  try {
    if (!reorder() || !pointwise()) return std::nullopt;
    return PackedWeight(reorder()->call(weight.contiguous(), rows));
  } catch (const std::exception&) {  // c10::Error, and dnnl::error of the kernels
    return std::nullopt;             // an interface that is not the one we know: plain weights serve as well
  }
}

std::optional<bool> PackedWeight::agrees_with(const torch::Tensor& weight) const {
  const torch::NoGradGuard no_grad;
  try {
    const torch::Tensor probe =
        torch::linspace(-1, 1, kProbeRows * weight.size(1)).sin_().view({kProbeRows, -1}).to(weight.dtype());
    const torch::Tensor expected = torch::linear(probe, weight).to(torch::kFloat32);
    const auto largest = expected.abs().max().item<double>();
    if (!std::isfinite(largest) || largest == 0) return std::nullopt;
    const torch::Tensor error = (multiply(probe, {}, Activation::kNone).to(torch::kFloat32) - expected).abs().max();
    const double tolerance = weight.scalar_type() == torch::kBFloat16 ? kBFloat16ProbeTolerance : kProbeTolerance;
    return error.item<double>() <= tolerance * largest;
  } catch (const std::exception&) {  // as above
    return false;
  }
}

torch::Tensor PackedWeight::multiply(const torch::Tensor& x, const torch::Tensor& bias, Activation activation) const {
  const auto added = bias.defined() ? std::optional(bias) : std::nullopt;
  return pointwise()->call(x.contiguous(), packed_, added, attribute(activation),
                           c10::List<std::optional<at::Scalar>>(), "none");
}

std::optional<PackedWeight> Packer::pack(const torch::Tensor& weight, std::int64_t rows) {
  if (policy_ == PackPolicy::kNever) return std::nullopt;
  auto result = PackedWeight::pack(weight, rows);
  if (!result || !serves(*result, weight, rows)) return std::nullopt;
  ++packed_;
  return result;
}

std::optional<PackedConvolution> Packer::pack(const torch::Tensor& weight, const torch::Tensor& bias,
                                              const ConvolutionSpec& spec) {
  if (policy_ == PackPolicy::kNever) return std::nullopt;
  auto result = PackedConvolution::pack(weight, bias, spec);
  if (result) ++packed_;
  return result;
}

torch::Tensor Packer::scratch(std::size_t step, at::IntArrayRef sizes, const torch::TensorOptions& options) {
  torch::Tensor& memory = scratch_.at(step);
  const std::int64_t count = c10::multiply_integers(sizes);
  if (!memory.defined() || memory.numel() < count || memory.dtype() != options.dtype()) {
    memory = torch::empty({count}, options);
  }
  return memory.narrow(0, 0, count).view(sizes);
}

bool Packer::serves(const PackedWeight& packed, const torch::Tensor& weight, std::int64_t rows) {
  const Shape shape(weight.size(0), weight.size(1), rows, weight.scalar_type());
  const auto known = known_.find(shape);
  if (known != known_.end()) return known->second;
  const auto agrees = packed.agrees_with(weight);
  if (!agrees) return false;  // plain, and the next of this shape is asked
  return known_[shape] = *agrees && (policy_ != PackPolicy::kMeasured || pays(packed, weight, rows));
}

bool Packer::pays(const PackedWeight& packed, const torch::Tensor& weight, std::int64_t rows) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::ones({rows, weight.size(1)}, weight.options());
  double plain = std::numeric_limits<double>::infinity(), fast = plain;
  for (int trial = 0; trial < kTrials; ++trial) {  // in turns: what disturbs one disturbs the other
    fast = std::min(fast, seconds([&] { return packed.multiply(x, {}, Activation::kNone); }));
    plain = std::min(plain, seconds([&] { return torch::linear(x, weight); }));
  }
  return fast <= kMargin * plain;
}

}  // namespace automed::nn
