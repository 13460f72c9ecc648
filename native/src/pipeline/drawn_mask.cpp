#include "pipeline/drawn_mask.h"

#include <cmath>

#include "core/error.h"

namespace automed::pipeline {

void check_threshold(double threshold) {
  if (threshold > 0 && threshold < 1) return;
  throw Error(ErrorCode::kInvalidArgument, "threshold must lie in (0, 1)", "threshold");
}

std::optional<std::array<std::int64_t, 4>> bounding_box_of(const torch::Tensor& mask) {
  const auto rows = mask.any(1).nonzero().flatten();
  if (rows.numel() == 0) return std::nullopt;
  const auto columns = mask.any(0).nonzero().flatten();
  const auto top = rows[0].item<std::int64_t>();
  const auto left = columns[0].item<std::int64_t>();
  return std::array{left, top, columns[-1].item<std::int64_t>() - left + 1, rows[-1].item<std::int64_t>() - top + 1};
}

DrawnMask draw_mask(const torch::Tensor& logits, double threshold) {
  const auto foreground = logits > std::log(threshold / (1 - threshold));  // height,width
  DrawnMask result;
  result.mask = foreground.to(torch::kUInt8).contiguous();
  result.area_px = result.mask.sum(torch::kInt64).item<std::int64_t>();
  result.bounding_box = bounding_box_of(result.mask);
  if (result.area_px > 0) {
    result.mean_probability = logits.masked_select(foreground).sigmoid().mean(torch::kFloat64).item<double>();
  }
  return result;
}

}  // namespace automed::pipeline
