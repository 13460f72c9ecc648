#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace automed::nn {

/// Multi-head self-attention over a token grid with decomposed relative position bias (SAM, `Attention` together with
/// `window_partition` and `window_unpartition`).
/// [B, H, W, C] -> [B, H, W, C]
///
/// With a window, the published code pads the grid with zeros to whole windows and attends inside each window, padded
/// tokens included. A zero token's key and value are exactly the bias of `qkv`, and its query is never used, so this
/// code projects the real tokens only and fills keys and values in: the same result with a third of the projections on
/// a 16 x 16 grid with window 14. Windows cut off by the border have fewer queries, so up to four bands of equal
/// windows are attended one after the other.
class WindowAttentionImpl : public torch::nn::Module {
 public:
  /// `window` 0 attends globally; `grid` is the edge of the global token grid (the size of the position tables).
  WindowAttentionImpl(std::int64_t width, std::int64_t heads, std::int64_t window, std::int64_t grid);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  std::int64_t heads_;
  std::int64_t window_;
  torch::nn::Linear qkv{nullptr};
  torch::nn::Linear proj{nullptr};
  torch::Tensor rel_pos_h, rel_pos_w;  // 2 * extent - 1,C/heads
};
TORCH_MODULE(WindowAttention);

}  // namespace automed::nn
