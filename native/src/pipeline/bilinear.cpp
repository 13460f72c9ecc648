#include "pipeline/bilinear.h"

#include <algorithm>
#include <limits>

namespace automed::pipeline {
namespace {

/// Compilers believe `__restrict` of parameters, not of variables, and turn loops of a fixed length into vector
/// instructions. `out` has whole blocks, and so have both lines.
void blend_blocks(const float* __restrict upper, const float* __restrict lower, float weight, float* __restrict out,
                  std::size_t size) {
  constexpr std::size_t kBlock = BilinearRows::kBlock;
  const float below = weight, above = 1 - weight;
  for (std::size_t block = 0; block < size; block += kBlock) {
    for (std::size_t i = 0; i < kBlock; ++i) out[block + i] = above * upper[block + i] + below * lower[block + i];
  }
}

}  // namespace

std::vector<Tap> bilinear_taps(std::int64_t source, std::int64_t target) {
  std::vector<Tap> taps(static_cast<std::size_t>(target));
  const float scale = static_cast<float>(source) / static_cast<float>(target);
  for (std::int64_t i = 0; i < target; ++i) {
    const float position = std::max(0.0F, (static_cast<float>(i) + 0.5F) * scale - 0.5F);
    const auto first = std::min(static_cast<std::int64_t>(position), source - 1);
    taps[static_cast<std::size_t>(i)] = {first, std::min(first + 1, source - 1), position - static_cast<float>(first)};
  }
  return taps;
}

BilinearRows::BilinearRows(const Plane& plane, std::int64_t height, std::int64_t width)
    : plane_(plane), rows_(bilinear_taps(plane.height, height)), columns_(bilinear_taps(plane.width, width)) {
  const auto padded = static_cast<std::size_t>((width + kBlock - 1) / kBlock * kBlock);
  for (auto* values : {&line_[0], &line_[1], &out_}) values->assign(padded, std::numeric_limits<float>::lowest());
}

const float* BilinearRows::stretched(std::int64_t source, std::int64_t keep) {
  for (int i = 0; i < 2; ++i) {
    if (held_[i] == source) return line_[i].data();
  }
  const int into = held_[0] == keep ? 1 : 0;
  const float* from = plane_.data + source * plane_.stride;
  float* to = line_[into].data();
  for (std::size_t x = 0; x < columns_.size(); ++x) {
    const auto& [first, second, weight] = columns_[x];
    to[x] = (1 - weight) * from[first] + weight * from[second];
  }
  held_[into] = source;
  return to;
}

const float* BilinearRows::row(std::int64_t y) {
  const auto& [first, second, weight] = rows_[static_cast<std::size_t>(y)];
  const float* upper = stretched(first, second);
  const float* lower = stretched(second, first);
  blend_blocks(upper, lower, weight, out_.data(), out_.size());
  return out_.data();
}

}  // namespace automed::pipeline
