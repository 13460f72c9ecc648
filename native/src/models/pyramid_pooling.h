#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>

namespace automed::models {

/// Edges of the pooled grids (SAM-MedCls paper, Fig. 7b).
inline constexpr std::array<std::int64_t, 4> kPyramidSizes = {1, 2, 3, 6};

/// Cascaded pyramid pooling (Fig. 7b): multiscale context of a map. All average-pooled grids first, then all max-pooled
/// ones, each flattened row by row: M = 2 * (1 + 4 + 9 + 36) = 100.
/// [B, C, H, W] -> [B, C, M]
torch::Tensor pyramid_pooling(const torch::Tensor& x);

}  // namespace automed::models
