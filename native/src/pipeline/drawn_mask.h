#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <optional>

#include "pipeline/image.h"

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

/// Logits 1,1,h,w (float32 on the CPU, any resolution of the input) -> foreground of the original image where the
/// probability is above `threshold`. Places logits as restore_logits() does, row by row.
DrawnMask draw_mask(const torch::Tensor& logits, const Placement& placement, double threshold);

/// x, y, width, height of what is not 0 in a mask height,width; absent when there is nothing.
std::optional<std::array<std::int64_t, 4>> bounding_box_of(const torch::Tensor& mask);

}  // namespace automed::pipeline
