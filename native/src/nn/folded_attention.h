#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace automed::nn {

/// Queries and keys that bring their relative position bias with them: with the bias b_row, b_col of a query and unit
/// vectors e of a key's row and column, (q, b_row, b_col) . (k, e_row, e_col) = q . k + b_row[row] + b_col[column]. One
/// product takes the place of a product and two passes over scores as large as all queries times all keys.
struct FoldedAttention {
  torch::Tensor queries;  // B,H,W,heads,d+kh+kw
  torch::Tensor keys;     // B,down,across,heads,kh,kw,d+kh+kw
  torch::Tensor values;   // B,down,across,heads,kh,kw,d
  double scale;

  /// queries [B, H, W, heads, d]; key_value [B, down, kh, across, kw, 2, heads, d] of whole windows; position tables
  /// [2 * kh - 1, d] and [2 * kw - 1, d].
  FoldedAttention(const torch::Tensor& queries, const torch::Tensor& key_value, const torch::Tensor& rel_pos_h,
                  const torch::Tensor& rel_pos_w);

  /// Whether it is worth it: the unit vectors must not be longer than the keys.
  static bool pays(std::int64_t dim, std::int64_t window_h, std::int64_t window_w) {
    return window_h + window_w <= dim;
  }
};

}  // namespace automed::nn
