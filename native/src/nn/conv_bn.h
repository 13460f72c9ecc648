#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>

#include "nn/batch_norm.h"
#include "nn/packed_convolution.h"
#include "nn/packed_weight.h"

namespace automed::nn {

struct ConvBnOptions {
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  std::int64_t kernel = 1;  // odd; padded so that stride 1 keeps the size
  std::int64_t stride = 1;
  std::int64_t groups = 1;
  ConvActivation activation = ConvActivation::kNone;
};

/// Convolution without bias -> batch norm (eps 1e-3, momentum 0.01) -> activation: MobileNetV3's unit
/// (torchvision's `Conv2dNormActivation`; names `0` and `1`).
/// [B, C, H, W] -> [B, C', H / stride, W / stride]
class ConvBnImpl : public torch::nn::Module {
 public:
  explicit ConvBnImpl(const ConvBnOptions& options);
  torch::Tensor forward(const torch::Tensor& x);
  /// For inference only: the batch norm becomes part of the convolution's weights, which are no parameters any more and
  /// are packed where `packer` says so.
  void fold(Packer& packer);

 private:
  struct Folded {
    torch::Tensor weight, bias;  // the weight is undefined where it is packed
    std::optional<PackedConvolution> packed;
  };

  ConvActivation activation_;
  std::optional<Folded> folded_;
  torch::nn::Conv2d conv{nullptr};  // registered as `0`
  BatchNorm norm{nullptr};          // registered as `1`
};
TORCH_MODULE(ConvBn);

/// Folds every ConvBn in `module`.
void fold_batch_norms(torch::nn::Module& module, Packer& packer);

/// Sets the share of the newest batch in the running statistics of every batch norm in `module`. The published 0.01
/// suits long runs; short ones need more, or evaluation uses statistics that never left their initial values.
void set_batch_norm_momentum(torch::nn::Module& module, double momentum);

}  // namespace automed::nn
