#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <vector>

#include "core/between_steps.h"
#include "pipeline/drawn_mask.h"
#include "pipeline/embedding_cache.h"
#include "pipeline/loaded_model.h"

namespace automed::pipeline {

/// What a person points at, in pixels of the original image; a whole number is the centre of a pixel. Several boxes are
/// several objects, and then there are neither points nor a mask; else everything describes one object.
struct Prompts {
  torch::Tensor points;    ///< float32 N,2 as x, y; undefined without points
  torch::Tensor labels;    ///< float32 N: 1 foreground, 0 background
  torch::Tensor boxes;     ///< float32 M,4 as x0, y0, x1, y1; undefined without boxes
  torch::Tensor mask;      ///< float32 4g,4g: the `low_res` of an earlier prediction; undefined without
  bool multimask = false;  ///< all of the decoder's masks of each object instead of the one to use
};

/// One mask that the decoder proposes for an object.
struct PromptedMask {
  DrawnMask drawn;
  double predicted_iou = 0;
  std::size_t object = 0;  ///< index of the box, 0 without boxes
  torch::Tensor low_res;   ///< float32 4g,4g logits on the base's input, a later prediction's mask prompt
};

/// Gives prompts that are flat lists of numbers their shapes; labels without points are dropped. Throws kShapeMismatch
/// (field `points` or `boxes`) for a list that is empty or not of whole points or boxes, kInvalidArgument (`labels`)
/// for points without labels. A mask that is not square stays flat: check_prompts() knows the size it must have.
Prompts shape_prompts(const Prompts& flat);

/// Throws kInvalidArgument, or kShapeMismatch for the mask, that names the field as the API spells it, e.g.
/// `points[2].x_px`: no prompt at all, one outside the image, an empty box, a mask of another size, not finite.
void check_prompts(const Prompts& prompts, const Placement& placement, const models::SamConfig& config);

/// Runs the base's prompt encoder and mask decoder. The masks of an object come best first by predicted IoU. Without
/// `multimask` there is one for each object: of SAM the decoder's single mask, of SAM-Med2D, which is trained and used
/// that way, the best of the three. A mask prompt reaches SAM as logits and SAM-Med2D as their sigmoid, as each was
/// trained. The prompts have been checked. `between` is called between the decoder's steps and between masks.
std::vector<PromptedMask> predict_masks(const LoadedBase& base, const Embedding& embedding, const Prompts& prompts,
                                        double threshold, const BetweenSteps& between = {});

}  // namespace automed::pipeline
