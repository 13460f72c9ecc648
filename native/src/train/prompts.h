#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "models/prompt_encoder.h"
#include "train/augment.h"

namespace automed::train {

// Prompts that a patient user would give for masks N,1,S,S of 0 and 1 (any type, any device): what interactive training
// learns from and evaluation is measured with. Results lie on the masks' device. For an empty mask the box is the whole
// image and the point is a background point anywhere.

/// The masks' bounding boxes [N, 4] as x0, y0, x1, y1; x1 and y1 are the first column and row beyond.
torch::Tensor box_prompts(const torch::Tensor& masks);

/// Moves each edge of the boxes by up to half of the box's shorter side, at most 5 pixels, as SAM-Med2D does in
/// training; the result stays within [0, size].
torch::Tensor jitter_boxes(const torch::Tensor& boxes, std::int64_t size, Random& random);

/// One foreground pixel of each mask.
models::PointPrompt point_prompts(const torch::Tensor& masks, Random& random);

/// `count` pixels where `predicted` [N, 1, S, S] (bool) is wrong, labelled with the truth; with nothing wrong, pixels
/// anywhere that are labelled -1, which the prompt encoder takes for padding.
models::PointPrompt correction_points(const torch::Tensor& predicted, const torch::Tensor& masks, std::int64_t count,
                                      Random& random);

}  // namespace automed::train
