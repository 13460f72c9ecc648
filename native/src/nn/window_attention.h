#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "nn/linear.h"

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
  void pack(Packer& packer, std::int64_t rows);

 private:
  /// queries [B, H, W, heads, d]; key_value [B, down, kh, across, kw, 2, heads, d] of whole windows -> [B, H, W, C]
  torch::Tensor attend_windows(const torch::Tensor& queries, const torch::Tensor& key_value);
  /// The same without gradients, see FoldedAttention.
  torch::Tensor attend_windows_folded(const torch::Tensor& queries, const torch::Tensor& key_value);

  std::int64_t heads_;
  std::int64_t window_;
  Linear qkv{nullptr};
  Linear proj{nullptr};
  torch::Tensor rel_pos_h, rel_pos_w;  // 2 * extent - 1,C/heads
};
TORCH_MODULE(WindowAttention);

}  // namespace automed::nn
