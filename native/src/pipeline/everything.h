#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/between_steps.h"
#include "pipeline/drawn_mask.h"
#include "pipeline/embedding_cache.h"
#include "pipeline/loaded_model.h"

namespace automed::pipeline {

/// Parameters of SAM's `SamAutomaticMaskGenerator`, with its defaults. Thresholds are numbers of single precision, as
/// the API carries them: each stands for the shortest decimal that rounds to it (0.7 and 0.7F are one threshold).
struct EverythingOptions {
  std::int64_t points_per_side = 32;   ///< [1, 128]
  std::int64_t points_per_batch = 64;  ///< [1, 1024]: prompts that go through the decoder together
  double min_predicted_iou = 0.88;     ///< [0, 1]: keeps what is above; 0 still drops a predicted IoU of 0 or less
  double min_stability = 0.95;    ///< [0, 1]: keeps what is not below; 0 still drops a mask whose stability is 0 / 0
  double stability_offset = 1.0;  ///< (0, 16], logits
  double nms_iou = 0.7;           ///< [0, 1]: boxes that overlap more are one object
  std::int64_t max_masks = 1024;  ///< [1, 65536]: more are an error, for each takes a byte per pixel
};

/// One object of an image.
struct FoundMask {
  DrawnMask drawn;
  double predicted_iou = 0;
  float stability = 0;         ///< IoU of the mask with the logits cut `stability_offset` higher and lower
  std::array<float, 2> point;  ///< x, y of the prompt, in pixels of the original image
};

/// Throws kInvalidArgument that names the field as the API spells it, e.g. `points_per_side`.
void check_everything(const EverythingOptions& options);

/// Masks of everything that a regular grid of points finds, the highest predicted IoU first: SAM's automatic mask
/// generator without its layers of crops and without removal of small regions (both off by default there). It compares
/// as that does, in float32; only a threshold of 0 differs, which there turns the filter off and here stays a
/// threshold, and masks without foreground are never answered. Candidates are not kept but decoded again once their
/// boxes have survived the non-maximum suppression, so that memory does not grow with the grid. Throws
/// kInvalidArgument (field `min_stability`) before drawing more than `max_masks`. `checkpoint` runs between the
/// steps of the decoder and between points, and may throw to end the work.
std::vector<FoundMask> find_everything(const LoadedBase& base, const Embedding& embedding,
                                       const EverythingOptions& options, const BetweenSteps& checkpoint);

/// Indices of the boxes that stay, by descending score: each drops those of lower score whose IoU with it, a float32,
/// is above `max_iou`. Boxes as x0, y0, x1, y1; their areas are (x1 - x0) * (y1 - y0), as torchvision's `nms` has it.
std::vector<std::size_t> suppress_overlaps(const std::vector<std::array<float, 4>>& boxes,
                                           const std::vector<double>& scores, double max_iou);

}  // namespace automed::pipeline
