#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <optional>

namespace automed::pipeline {

/// A mask at the original size of its image, with what was measured on it.
struct DrawnMask {
  torch::Tensor mask;  ///< uint8 height,width of the original image, 0 or 1
  std::int64_t area_px = 0;
  /// x, y, width, height; absent when the mask is empty.
  std::optional<std::array<std::int64_t, 4>> bounding_box;
  std::optional<double> mean_probability;  ///< of the foreground; absent when the mask is empty
};

/// Throws kInvalidArgument (field `threshold`) unless the probability lies in (0, 1).
void check_threshold(double threshold);

/// Logits height,width of the original image -> foreground where the probability is above `threshold`.
DrawnMask draw_mask(const torch::Tensor& logits, double threshold);

/// x, y, width, height of what is not 0 in a mask height,width; absent when there is nothing.
std::optional<std::array<std::int64_t, 4>> bounding_box_of(const torch::Tensor& mask);

}  // namespace automed::pipeline
