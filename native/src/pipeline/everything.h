#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "pipeline/drawn_mask.h"
#include "pipeline/embedding_cache.h"
#include "pipeline/loaded_model.h"

namespace automed::pipeline {

/// Parameters of SAM's `SamAutomaticMaskGenerator`, with its defaults.
struct EverythingOptions {
  std::int64_t points_per_side = 32;   ///< [1, 128]
  std::int64_t points_per_batch = 64;  ///< [1, 1024]: prompts that go through the decoder together
  double min_predicted_iou = 0.88;     ///< [0, 1]
  double min_stability = 0.95;         ///< [0, 1]
  double stability_offset = 1.0;       ///< (0, 16], logits
  double nms_iou = 0.7;                ///< [0, 1]: boxes that overlap more are one object
};

/// One object of an image.
struct FoundMask {
  DrawnMask drawn;
  double predicted_iou = 0;
  double stability = 0;        ///< IoU of the mask with the logits cut `stability_offset` higher and lower
  std::array<float, 2> point;  ///< x, y of the prompt, in pixels of the original image
};

/// Throws kInvalidArgument that names the field as the API spells it, e.g. `points_per_side`.
void check_everything(const EverythingOptions& options);

/// Masks of everything that a regular grid of points finds, the highest predicted IoU first: SAM's automatic mask
/// generator without its layers of crops and without removal of small regions (both off by default there). Candidates
/// are not kept but decoded again once their boxes have survived the non-maximum suppression, so that memory does not
/// grow with the grid. `checkpoint` runs between batches and may throw to end the work.
std::vector<FoundMask> find_everything(const LoadedBase& base, const Embedding& embedding,
                                       const EverythingOptions& options, const std::function<void()>& checkpoint);

/// Indices of the boxes that stay, by descending score: each drops those of lower score whose IoU with it is above
/// `max_iou`. Boxes as x0, y0, x1, y1; their areas are (x1 - x0) * (y1 - y0), as torchvision has it.
std::vector<std::size_t> suppress_overlaps(const std::vector<std::array<float, 4>>& boxes,
                                           const std::vector<double>& scores, double max_iou);

}  // namespace automed::pipeline
