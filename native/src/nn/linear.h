#pragma once

#include <torch/torch.h>

#include <optional>

#include "nn/packed_weight.h"

namespace automed::nn {

/// LibTorch's linear (same parameters under the same names), with the activation that follows it in the same pass over
/// memory, and weights that can be packed.
/// [..., in] -> [..., out]
class LinearImpl : public torch::nn::LinearImpl {
 public:
  using torch::nn::LinearImpl::LinearImpl;
  torch::Tensor forward(const torch::Tensor& x, Activation activation = Activation::kNone);
  /// For inference only: the packed weight takes the place of the parameter, which is empty from then on.
  void pack(Packer& packer, std::int64_t rows);

 private:
  std::optional<PackedWeight> packed_;
};
TORCH_MODULE(Linear);

}  // namespace automed::nn
