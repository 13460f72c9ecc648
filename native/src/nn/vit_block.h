#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "nn/adapter.h"
#include "nn/mlp.h"
#include "nn/window_attention.h"

namespace automed::nn {

struct ViTBlockOptions {
  std::int64_t width;
  std::int64_t heads;
  std::int64_t mlp_ratio;
  std::int64_t window;  // 0: global attention
  std::int64_t grid;    // edge of the token grid
  bool adapter;
};

/// A transformer block of SAM's image encoder (`Block`), with SAM-Med2D's adapter beside the MLP when asked for:
/// x = x + attn(norm1(x)); n = norm2(x); x = x + mlp(n) [+ Adapter(n)]. Norms with eps 1e-6.
/// [B, H, W, C] -> [B, H, W, C]
class ViTBlockImpl : public torch::nn::Module {
 public:
  explicit ViTBlockImpl(const ViTBlockOptions& options);
  torch::Tensor forward(const torch::Tensor& x);
  void pack(Packer& packer);

 private:
  std::int64_t grid_;
  torch::nn::LayerNorm norm1{nullptr};
  WindowAttention attn{nullptr};
  torch::nn::LayerNorm norm2{nullptr};
  MLPBlock mlp{nullptr};
  Adapter adapter{nullptr};  // registered as `Adapter`, the published spelling
};
TORCH_MODULE(ViTBlock);

}  // namespace automed::nn
