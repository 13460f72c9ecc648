#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>

#include "nn/activation.h"
#include "nn/packed_convolution.h"

namespace automed::nn {

/// The matrix of a linear layer in the order that oneDNN's kernels read, for inference on a CPU in float32 or bfloat16.
/// LibTorch's own linear goes to MKL, which reads the weights as they are; on many CPUs that takes twice as long.
class PackedWeight {
 public:
  /// `weight` [out, in]; `rows`: how many vectors a call will most often bring. Nothing where this LibTorch has no such
  /// kernels (their interface is private to it).
  static std::optional<PackedWeight> pack(const torch::Tensor& weight, std::int64_t rows);

  /// Whether it answers a few vectors as `torch::linear` with `weight`, which it was packed from; nothing where that
  /// cannot be told, since `weight` answers zeros or what is not finite.
  std::optional<bool> agrees_with(const torch::Tensor& weight) const;

  /// x [..., in] -> activation(x . weight^T + bias) [..., out]. `bias` may be undefined.
  torch::Tensor multiply(const torch::Tensor& x, const torch::Tensor& bias, Activation activation) const;

 private:
  explicit PackedWeight(torch::Tensor packed) : packed_(std::move(packed)) {}
  torch::Tensor packed_;  // opaque
};

enum class PackPolicy {
  kNever,     ///< plain weights: slower on most CPUs
  kMeasured,  ///< packed where that is not slower, measured once for each shape; two processes may choose otherwise
  kAlways,    ///< packed wherever it can be: the same kernels, so the same bits, in every process of a machine
};

/// Packs the weights of one network. One weight of each shape is compared with the plain one, and measured: which
/// kernel answers follows from the shape.
class Packer {
 public:
  explicit Packer(PackPolicy policy) : policy_(policy) {}
  /// Nothing: keep the plain weight.
  std::optional<PackedWeight> pack(const torch::Tensor& weight, std::int64_t rows);
  /// Convolutions are not measured: packed saves the reordering of every call.
  std::optional<PackedConvolution> pack(const torch::Tensor& weight, const torch::Tensor& bias,
                                        const ConvolutionSpec& spec);
  /// Memory for values on their way to pack(), the same for every weight: fresh memory takes longer to get than to
  /// fill. `step`: 0 or 1, for what is rearranged in two steps. Valid until the next call with this step.
  torch::Tensor scratch(std::size_t step, at::IntArrayRef sizes, const torch::TensorOptions& options);
  /// How many weights were packed.
  std::int64_t packed() const { return packed_; }

 private:
  bool serves(const PackedWeight& packed, const torch::Tensor& weight, std::int64_t rows);
  static bool pays(const PackedWeight& packed, const torch::Tensor& weight, std::int64_t rows);

  PackPolicy policy_;
  std::int64_t packed_ = 0;
  std::array<torch::Tensor, 2> scratch_;
  using Shape = std::tuple<std::int64_t, std::int64_t, std::int64_t, torch::Dtype>;  // out, in, rows
  std::map<Shape, bool> known_;                                                      ///< whether packed weights serve
};

}  // namespace automed::nn
