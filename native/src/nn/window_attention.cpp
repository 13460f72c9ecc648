#include "nn/window_attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "nn/folded_attention.h"
#include "nn/windows.h"

namespace automed::nn {
namespace {

using torch::indexing::Slice;

/// Without gradients, scores are computed for so many elements at a time: ViT-B at 1024 pixels would need 800 MB for
/// one block's scores otherwise. A CPU takes as many as its cache holds, or it waits for memory.
std::int64_t most_scores(const torch::Device& device) {
  return device.is_cpu() ? 1 << 21 : 1 << 26;
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

/// The same of queries and keys that bring their bias with them. q [n, qh * qw, D]; k [n, kh * kw, D]; v [n, kh * kw,
/// d]
torch::Tensor attend_folded(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, double scale) {
  torch::Tensor scores = torch::empty({q.size(0), q.size(1), k.size(1)}, q.options());
  scores.baddbmm_(q, k.transpose(1, 2), 0, scale);
  return torch::matmul(scores.softmax(-1), v);
}

/// Some sequences, and some rows of their queries.
struct Piece {
  std::int64_t first, count;
  std::int64_t first_row, rows;

  torch::Tensor of(const torch::Tensor& sequences) const { return sequences.narrow(0, first, count); }
  torch::Tensor rows_of(const torch::Tensor& queries) const { return of(queries).narrow(1, first_row, rows); }
};

/// Attends sequences of queries [n, rows, ...] in pieces when no gradient is wanted and the scores would be large.
/// `attend_piece(piece)` -> [count, queries, d]
template <typename Attend>
torch::Tensor in_pieces(const torch::Tensor& queries, std::int64_t scores_of_row, Attend attend_piece) {
  const std::int64_t n = queries.size(0), rows = queries.size(1), most = most_scores(queries.device());
  const std::int64_t sequences = std::max<std::int64_t>(1, most / (rows * scores_of_row));
  const std::int64_t some_rows = std::clamp<std::int64_t>(most / scores_of_row, 1, rows);
  if (torch::GradMode::is_enabled() || (sequences >= n && some_rows == rows)) return attend_piece({0, n, 0, rows});
  std::vector<torch::Tensor> attended;
  for (std::int64_t i = 0; i < n; i += sequences) {
    const std::int64_t count = std::min(sequences, n - i);
    std::vector<torch::Tensor> parts;
    for (std::int64_t row = 0; row < rows; row += some_rows) {
      parts.push_back(attend_piece({i, count, row, std::min(some_rows, rows - row)}));
    }
    attended.push_back(parts.size() == 1 ? parts.front() : torch::cat(parts, 1));
  }
  return torch::cat(attended);
}

/// The sequences of one band of rows and one of columns. [B, H, W, heads, D] -> [n, rows, columns, D]
torch::Tensor band_queries(const torch::Tensor& queries, const Band& row, const Band& column) {
  return queries.narrow(1, row.begin, row.count * row.extent)
      .narrow(2, column.begin, column.count * column.extent)
      .unflatten(2, {column.count, column.extent})
      .unflatten(1, {row.count, row.extent})
      .permute({0, 1, 3, 5, 2, 4, 6})
      .reshape({-1, row.extent, column.extent, queries.size(4)});
}

/// Puts together what `attend_band(rows, columns)` [n, qh * qw, d] makes of each band. -> [B, H, W, C]
template <typename AttendBand>
torch::Tensor over_bands(const torch::Tensor& queries, std::int64_t window_h, std::int64_t window_w,
                         AttendBand attend_band) {
  const std::int64_t batch = queries.size(0), heads = queries.size(3), dim = queries.size(4);
  std::vector<torch::Tensor> rows;
  for (const Band& row : bands(queries.size(1), window_h)) {
    std::vector<torch::Tensor> columns;
    for (const Band& column : bands(queries.size(2), window_w)) {
      columns.push_back(attend_band(row, column)
                            .view({batch, row.count, column.count, heads, row.extent, column.extent, dim})
                            .permute({0, 1, 4, 2, 5, 3, 6})
                            .reshape({batch, row.count * row.extent, column.count * column.extent, heads * dim}));
    }
    rows.push_back(columns.size() == 1 ? columns.front() : torch::cat(columns, 2));
  }
  return rows.size() == 1 ? rows.front() : torch::cat(rows, 1);
}

}  // namespace

WindowAttentionImpl::WindowAttentionImpl(std::int64_t width, std::int64_t heads, std::int64_t window, std::int64_t grid)
    : heads_(heads), window_(window) {
  qkv = register_module("qkv", Linear(width, 3 * width));
  proj = register_module("proj", Linear(width, width));
  const std::int64_t table = 2 * (window > 0 ? window : grid) - 1;
  rel_pos_h = register_parameter("rel_pos_h", torch::zeros({table, width / heads}));
  rel_pos_w = register_parameter("rel_pos_w", torch::zeros({table, width / heads}));
}

void WindowAttentionImpl::pack(Packer& packer, std::int64_t rows) {
  qkv->pack(packer, rows);
  proj->pack(packer, rows);
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
  key_value = key_value.reshape({batch, down, window_h, across, window_w, 2, heads_, dim});
  const bool folds = !torch::GradMode::is_enabled() && FoldedAttention::pays(dim, window_h, window_w);
  const torch::Tensor out = folds ? attend_windows_folded(queries, key_value) : attend_windows(queries, key_value);
  return proj->forward(out);  // B,H,W,C
}

torch::Tensor WindowAttentionImpl::attend_windows(const torch::Tensor& queries, const torch::Tensor& key_value) {
  const std::int64_t window_h = key_value.size(2), window_w = key_value.size(4), dim = key_value.size(7);
  const torch::Tensor windows =
      key_value.permute({5, 0, 1, 3, 6, 2, 4, 7}).contiguous();  // 2,B,down,across,heads,h,w,d
  return over_bands(queries, window_h, window_w, [&](const Band& row, const Band& column) {
    const torch::Tensor q = band_queries(queries, row, column);
    const torch::Tensor kv = windows.narrow(2, row.begin / window_h, row.count)
                                 .narrow(3, column.begin / window_w, column.count)
                                 .reshape({2, q.size(0), window_h * window_w, dim});
    const torch::Tensor rows = relative(rel_pos_h, row.extent, window_h);
    const torch::Tensor columns = relative(rel_pos_w, column.extent, window_w);
    return in_pieces(q, q.size(2) * kv.size(2), [&](const Piece& piece) {
      return attend(piece.rows_of(q), piece.of(kv[0]), piece.of(kv[1]), rows.narrow(0, piece.first_row, piece.rows),
                    columns);
    });
  });
}

torch::Tensor WindowAttentionImpl::attend_windows_folded(const torch::Tensor& queries, const torch::Tensor& key_value) {
  const std::int64_t window_h = key_value.size(2), window_w = key_value.size(4);
  const FoldedAttention folded(queries, key_value, rel_pos_h, rel_pos_w);
  return over_bands(queries, window_h, window_w, [&](const Band& row, const Band& column) {
    const auto sequences = [&](const torch::Tensor& windows) {
      return windows.narrow(1, row.begin / window_h, row.count)
          .narrow(2, column.begin / window_w, column.count)
          .reshape({-1, window_h * window_w, windows.size(6)});
    };
    const torch::Tensor q = band_queries(folded.queries, row, column).flatten(1, 2);
    const torch::Tensor k = sequences(folded.keys), v = sequences(folded.values);
    return in_pieces(q, k.size(1), [&](const Piece& piece) {
      return attend_folded(piece.rows_of(q), piece.of(k), piece.of(v), folded.scale);
    });
  });
}

}  // namespace automed::nn
