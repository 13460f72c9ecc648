#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>

#include "nn/packed_weight.h"

namespace automed::nn {

/// SAM-Med2D's adapter (`Adapter_Layer`), parallel to the MLP of a block: a channel gate, then a spatial detour through
/// half the resolution, added to the input and normalised (eps 1e-5, unlike the blocks' 1e-6). No biases.
/// [B, H, W, C] -> [B, H, W, C], H and W even
class AdapterImpl : public torch::nn::Module {
 public:
  explicit AdapterImpl(std::int64_t width);
  torch::Tensor forward(const torch::Tensor& x);
  /// `grid`: edge of the token grid.
  void pack(Packer& packer, std::int64_t grid);

 private:
  /// `spatial`, on a grid whose channels come last. [B, H, W, C] -> [B, H, W, C]
  torch::Tensor detour(const torch::Tensor& gated);

  torch::nn::LayerNorm norm{nullptr};
  torch::nn::Sequential channel;      // C -> C/4 -> C
  torch::nn::Sequential spatial;      // H,W -> H/2,W/2 -> H,W
  std::optional<PackedWeight> down_;  // C,3*3*C
  std::optional<PackedWeight> up_;    // 4*4*C,C
};
TORCH_MODULE(Adapter);

}  // namespace automed::nn
