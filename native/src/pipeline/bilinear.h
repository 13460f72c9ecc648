#pragma once

#include <cstdint>
#include <vector>

namespace automed::pipeline {

/// The two source positions of one output position and the weight of the second, as bilinear interpolation with
/// align_corners=False has them.
struct Tap {
  std::int64_t first;
  std::int64_t second;
  float weight;
};

/// A tap for each of `target` positions; both extents at least 1.
std::vector<Tap> bilinear_taps(std::int64_t source, std::int64_t target);

/// The rows of a resized plane, one after another, so that it is never in memory as a whole. Equal to
/// torch::upsample_bilinear2d up to how a CPU rounds a multiplication that is followed by an addition.
class BilinearRows {
 public:
  /// Values that rows are padded to a multiple of, for kernels without a remainder.
  static constexpr std::int64_t kBlock = 16;

  /// A plane height,width of float32, `stride` values from row to row, which outlives this.
  struct Plane {
    const float* data;
    std::int64_t height, width, stride;
  };

  BilinearRows(const Plane& plane, std::int64_t height, std::int64_t width);

  /// Row `y` of the result. What follows its width, up to a whole block, is below every logit of a probability. Valid
  /// until the next call; fast where rows are asked for in order.
  const float* row(std::int64_t y);

 private:
  /// A row of the source at the result's width.
  const float* stretched(std::int64_t source, std::int64_t keep);

  Plane plane_;
  std::vector<Tap> rows_, columns_;
  std::vector<float> line_[2], out_;
  std::int64_t held_[2] = {-1, -1};
};

}  // namespace automed::pipeline
