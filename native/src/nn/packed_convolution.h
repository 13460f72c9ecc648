#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>

namespace automed::nn {

enum class ConvActivation { kNone, kRelu, kHardswish };

/// May overwrite x.
torch::Tensor activate(const torch::Tensor& x, ConvActivation activation);

/// What a convolution does beside its weights; square throughout.
struct ConvolutionSpec {
  std::int64_t stride = 1, padding = 0, groups = 1;
  ConvActivation activation = ConvActivation::kNone;
};

/// A convolution whose weights are in the order that oneDNN's kernels read, with the activation that follows it in the
/// same pass, for inference on a CPU in float32. LibTorch's own convolution brings the weights into that order in each
/// call.
class PackedConvolution {
 public:
  /// `weight` [out, in / groups, k, k], `bias` [out]. Nothing where this LibTorch has no such kernels (their interface
  /// is private to it), or where they answer otherwise than `torch::conv2d`: one of each shape is compared, once for
  /// all heads.
  static std::optional<PackedConvolution> pack(const torch::Tensor& weight, const torch::Tensor& bias,
                                               const ConvolutionSpec& spec);

  /// x [B, in, H, W] -> activation(convolution) [B, out, H', W'], channels last
  torch::Tensor forward(const torch::Tensor& x) const;

 private:
  PackedConvolution(torch::Tensor packed, torch::Tensor bias, const ConvolutionSpec& spec)
      : packed_(std::move(packed)), bias_(std::move(bias)), spec_(spec) {}
  torch::Tensor packed_;  // opaque
  torch::Tensor bias_;    // out
  ConvolutionSpec spec_;
};

}  // namespace automed::nn
