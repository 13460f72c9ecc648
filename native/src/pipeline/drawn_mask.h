#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <optional>

#include "pipeline/image.h"

namespace automed::pipeline {

/// Longest side of a picture of probabilities: that of SAM's input, beyond which there is no further detail.
inline constexpr std::int64_t kProbabilitySide = 1024;

/// A mask at the original size of its image, with what was measured on it.
struct DrawnMask {
  torch::Tensor mask;  ///< uint8 height,width of the original image, 0 or 1
  std::int64_t area_px = 0;
  /// x, y, width, height; absent when the mask is empty.
  std::optional<std::array<std::int64_t, 4>> bounding_box;
  std::optional<double> mean_probability;  ///< of the foreground; absent when the mask is empty
  torch::Tensor probabilities;             ///< of draw_probabilities(); undefined unless asked for
};

/// Throws kInvalidArgument (field `threshold`) unless the probability lies in (0, 1).
void check_threshold(double threshold);

/// Logits 1,1,h,w (float32 on the CPU, any resolution of the input) -> foreground of the original image where the
/// probability is above `threshold`. Places logits as restore_logits() does, row by row.
DrawnMask draw_mask(const torch::Tensor& logits, const Placement& placement, double threshold);

/// The same logits -> uint8 height,width: 255 times the probability, rounded, over the whole original image. Of the
/// image's extents; where its longest side is above kProbabilitySide, scaled down to that, with the aspect kept.
torch::Tensor draw_probabilities(const torch::Tensor& logits, const Placement& placement);

/// x, y, width, height of what is not 0 in a mask height,width; absent when there is nothing.
std::optional<std::array<std::int64_t, 4>> bounding_box_of(const torch::Tensor& mask);

}  // namespace automed::pipeline
