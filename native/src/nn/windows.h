#pragma once

#include <cstdint>
#include <vector>

namespace automed::nn {

/// One row or column band of windows: `count` windows of `extent` real tokens each, from token `begin` on.
struct Band {
  std::int64_t begin, count, extent;
};

/// How `tokens` in a line fall into windows: the whole ones, and one that the border cuts off.
inline std::vector<Band> bands(std::int64_t tokens, std::int64_t window) {
  const std::int64_t whole = tokens / window;
  const std::int64_t rest = tokens % window;
  std::vector<Band> result;
  if (whole > 0) result.push_back({0, whole, window});
  if (rest > 0) result.push_back({whole * window, 1, rest});
  return result;
}

}  // namespace automed::nn
