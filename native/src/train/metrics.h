#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace automed::train {

/// Overlap of one predicted mask with its reference.
struct Overlap {
  double dice;  // 2 |A and B| / (|A| + |B|)
  double iou;   // |A and B| / |A or B|
};

/// Two masks of one shape, foreground where non-zero (or true). Both empty count 1: nothing was there and nothing was
/// found. Throws kShapeMismatch.
Overlap overlap(const torch::Tensor& predicted, const torch::Tensor& reference);

/// The same from pixel counts.
Overlap overlap_of_counts(std::int64_t predicted, std::int64_t reference, std::int64_t common);

/// For a batch [B, ...]: one pair per image.
std::vector<Overlap> overlaps(const torch::Tensor& predicted, const torch::Tensor& reference);

}  // namespace automed::train
