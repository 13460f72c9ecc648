#include "nn/folded_attention.h"

#include <cmath>

#include "nn/windows.h"

namespace automed::nn {
namespace {

/// `products` [B, H, W, heads, R] hold each query's product with a position table in reverse order, of which a query at
/// position i of its window needs `window` ones from entry window - 1 - i on. As views, one for each band.
torch::Tensor row_bias(const torch::Tensor& products, std::int64_t first, const Band& band, std::int64_t window) {
  const auto sizes = products.sizes(), strides = products.strides();
  return products.as_strided({sizes[0], band.count, band.extent, sizes[2], sizes[3], window},
                             {strides[0], window * strides[1], strides[1] - 1, strides[2], strides[3], 1},
                             products.storage_offset() + band.begin * strides[1] + first + window - 1);
}

torch::Tensor column_bias(const torch::Tensor& products, std::int64_t first, const Band& band, std::int64_t window) {
  const auto sizes = products.sizes(), strides = products.strides();
  return products.as_strided({sizes[0], sizes[1], band.count, band.extent, sizes[3], window},
                             {strides[0], strides[1], window * strides[2], strides[2] - 1, strides[3], 1},
                             products.storage_offset() + band.begin * strides[2] + first + window - 1);
}

}  // namespace

FoldedAttention::FoldedAttention(const torch::Tensor& q, const torch::Tensor& key_value, const torch::Tensor& rel_pos_h,
                                 const torch::Tensor& rel_pos_w)
    : scale(1.0 / std::sqrt(static_cast<double>(q.size(4)))) {
  const std::int64_t batch = q.size(0), height = q.size(1), width = q.size(2), heads = q.size(3), dim = q.size(4);
  const std::int64_t down = key_value.size(1), kh = key_value.size(2), across = key_value.size(3),
                     kw = key_value.size(4);
  const std::int64_t folded = dim + kh + kw;
  // The bias uses the unscaled query, and the product is scaled as a whole.
  const torch::Tensor tables = torch::cat({rel_pos_h.flip(0), rel_pos_w.flip(0)}).to(q.dtype()).div(scale);
  const torch::Tensor products =
      torch::matmul(q.reshape({-1, dim}), tables.t()).view({batch, height, width, heads, tables.size(0)});
  queries = torch::empty({batch, height, width, heads, folded}, q.options());
  queries.narrow(4, 0, dim).copy_(q);
  for (const Band& band : bands(height, kh)) {
    queries.narrow(1, band.begin, band.count * band.extent)
        .narrow(4, dim, kh)
        .unflatten(1, {band.count, band.extent})
        .copy_(row_bias(products, 0, band, kh));
  }
  for (const Band& band : bands(width, kw)) {
    queries.narrow(2, band.begin, band.count * band.extent)
        .narrow(4, dim + kh, kw)
        .unflatten(2, {band.count, band.extent})
        .copy_(column_bias(products, rel_pos_h.size(0), band, kw));
  }
  const torch::Tensor windows = key_value.permute({5, 0, 1, 3, 6, 2, 4, 7});  // 2,B,down,across,heads,kh,kw,d
  keys = torch::empty({batch, down, across, heads, kh, kw, folded}, q.options());
  keys.narrow(6, 0, dim).copy_(windows[0]);
  keys.narrow(6, dim, kh).copy_(torch::eye(kh, q.options()).unsqueeze(1));  // kh,1,kh
  keys.narrow(6, dim + kh, kw).copy_(torch::eye(kw, q.options()));          // kw,kw
  values = windows[1].contiguous();
}

}  // namespace automed::nn
