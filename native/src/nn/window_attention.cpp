#include "nn/window_attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace automed::nn {
namespace {

using torch::indexing::Slice;

/// Without gradients, scores are computed for this many elements at a time: ViT-B at 1024 pixels would need 800 MB for
/// one block's scores otherwise.
constexpr std::int64_t kMaxScores = 1 << 26;

/// One row or column band of windows: `count` windows of `extent` real tokens each, from token `begin` on.
struct Band {
  std::int64_t begin, count, extent;
};

std::vector<Band> bands(std::int64_t tokens, std::int64_t window) {
  const std::int64_t whole = tokens / window;
  const std::int64_t rest = tokens % window;
  std::vector<Band> result;
  if (whole > 0) result.push_back({0, whole, window});
  if (rest > 0) result.push_back({whole * window, 1, rest});
  return result;
}

/// Rows of a relative position table for `queries` positions against `keys` ones, both counted from the same corner.
/// [2 * keys - 1, d] -> [queries, keys, d]
torch::Tensor relative(const torch::Tensor& table, std::int64_t queries, std::int64_t keys) {
  const auto options = torch::TensorOptions().dtype(torch::kLong).device(table.device());
  const torch::Tensor distance =
      torch::arange(queries, options).unsqueeze(1) - torch::arange(keys, options).unsqueeze(0) + (keys - 1);
  return table.index({distance});
}

/// Attention of n = windows x heads independent sequences.
/// q [n, qh, qw, d]; k, v [n, kh * kw, d]; row and column tables as `relative` gives them -> [n, qh * qw, d]
torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, const torch::Tensor& rows,
                     const torch::Tensor& columns) {
  const std::int64_t n = q.size(0), qh = q.size(1), qw = q.size(2), d = q.size(3);
  const std::int64_t kh = rows.size(1), kw = columns.size(1);
  const torch::Tensor flat = q.reshape({n, qh * qw, d});
  torch::Tensor scores = torch::matmul(flat * (1.0 / std::sqrt(static_cast<double>(d))), k.transpose(1, 2));
  // The bias uses the unscaled query: row term [n, qh, qw, kh] and column term [n, qh, qw, kw].
  const torch::Tensor row_bias = torch::matmul(q, rows.transpose(1, 2));
  const torch::Tensor column_bias =
      torch::matmul(q.transpose(1, 2), columns.transpose(1, 2)).transpose(1, 2);  // n,qh,qw,kw
  scores.view({n, qh, qw, kh, kw}).add_(row_bias.unsqueeze(-1)).add_(column_bias.unsqueeze(-2));
  return torch::matmul(scores.softmax(-1), v);
}

/// `attend`, in pieces when no gradient is wanted and the scores would be large.
torch::Tensor attend_bounded(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                             const torch::Tensor& rows, const torch::Tensor& columns) {
  const std::int64_t n = q.size(0);
  const std::int64_t scores_each = q.size(1) * q.size(2) * k.size(1);
  const std::int64_t piece = std::max<std::int64_t>(1, kMaxScores / scores_each);
  if (torch::GradMode::is_enabled() || piece >= n) return attend(q, k, v, rows, columns);
  torch::Tensor out = torch::empty({n, q.size(1) * q.size(2), q.size(3)}, q.options());
  for (std::int64_t i = 0; i < n; i += piece) {
    const Slice part(i, std::min(i + piece, n));
    out.index_put_({part}, attend(q.index({part}), k.index({part}), v.index({part}), rows, columns));
  }
  return out;
}

}  // namespace

WindowAttentionImpl::WindowAttentionImpl(std::int64_t width, std::int64_t heads, std::int64_t window, std::int64_t grid)
    : heads_(heads), window_(window) {
  qkv = register_module("qkv", torch::nn::Linear(width, 3 * width));
  proj = register_module("proj", torch::nn::Linear(width, width));
  const std::int64_t table = 2 * (window > 0 ? window : grid) - 1;
  rel_pos_h = register_parameter("rel_pos_h", torch::zeros({table, width / heads}));
  rel_pos_w = register_parameter("rel_pos_w", torch::zeros({table, width / heads}));
}

torch::Tensor WindowAttentionImpl::forward(const torch::Tensor& x) {
  const std::int64_t batch = x.size(0), height = x.size(1), width = x.size(2), channels = x.size(3);
  const std::int64_t dim = channels / heads_;
  const std::int64_t window_h = window_ > 0 ? window_ : height;
  const std::int64_t window_w = window_ > 0 ? window_ : width;
  const std::int64_t down = (height + window_h - 1) / window_h, across = (width + window_w - 1) / window_w;

  const torch::Tensor projected = qkv->forward(x);  // B,H,W,3C
  const torch::Tensor queries = projected.narrow(3, 0, channels).view({batch, height, width, heads_, dim});
  torch::Tensor key_value = projected.narrow(3, channels, 2 * channels);  // B,H,W,2C
  if (down * window_h != height || across * window_w != width) {
    // A padded token is zero, so its key and value are the bias alone.
    const torch::Tensor padding = qkv->bias.narrow(0, channels, 2 * channels).to(projected.dtype());
    const std::int64_t pad_h = down * window_h - height, pad_w = across * window_w - width;
    if (pad_w > 0) key_value = torch::cat({key_value, padding.expand({batch, height, pad_w, -1})}, 2);
    if (pad_h > 0) key_value = torch::cat({key_value, padding.expand({batch, pad_h, across * window_w, -1})}, 1);
  }
  key_value = key_value.reshape({batch, down, window_h, across, window_w, 2, heads_, dim})
                  .permute({5, 0, 1, 3, 6, 2, 4, 7})
                  .contiguous();  // 2,B,down,across,heads,h,w,d

  std::vector<torch::Tensor> rows;
  for (const Band& row : bands(height, window_h)) {
    std::vector<torch::Tensor> columns;
    for (const Band& column : bands(width, window_w)) {
      const std::int64_t windows = batch * row.count * column.count;
      const torch::Tensor q = queries.narrow(1, row.begin, row.count * row.extent)
                                  .narrow(2, column.begin, column.count * column.extent)
                                  .reshape({batch, row.count, row.extent, column.count, column.extent, heads_, dim})
                                  .permute({0, 1, 3, 5, 2, 4, 6})
                                  .reshape({windows * heads_, row.extent, column.extent, dim});
      const torch::Tensor kv = key_value.narrow(2, row.begin / window_h, row.count)
                                   .narrow(3, column.begin / window_w, column.count)
                                   .reshape({2, windows * heads_, window_h * window_w, dim});
      const torch::Tensor out = attend_bounded(q, kv[0], kv[1], relative(rel_pos_h, row.extent, window_h),
                                               relative(rel_pos_w, column.extent, window_w));
      columns.push_back(out.view({batch, row.count, column.count, heads_, row.extent, column.extent, dim})
                            .permute({0, 1, 4, 2, 5, 3, 6})
                            .reshape({batch, row.count * row.extent, column.count * column.extent, channels}));
    }
    rows.push_back(columns.size() == 1 ? columns.front() : torch::cat(columns, 2));
  }
  return proj->forward(rows.size() == 1 ? rows.front() : torch::cat(rows, 1));  // B,H,W,C
}

}  // namespace automed::nn
