#pragma once

#include <torch/torch.h>

namespace automed::train {

inline constexpr double kFocalAlpha = 0.25;
inline constexpr double kFocalGamma = 1.0;
inline constexpr double kDiceSmooth = 1.0;

// Losses of SAM-AutoMed. Logits and targets (0 or 1) have the same shape, batch first; results are scalars.

/// Eq. 2, mean over pixels. The paper prints the positive case without its minus sign; a loss needs it.
torch::Tensor focal_loss(const torch::Tensor& logits, const torch::Tensor& target, double alpha = kFocalAlpha,
                         double gamma = kFocalGamma);

/// Eq. 3 on probabilities: per image, then the mean of the batch.
torch::Tensor dice_loss(const torch::Tensor& logits, const torch::Tensor& target, double smooth = kDiceSmooth);

/// Eq. 1: focal + dice.
torch::Tensor segmentation_loss(const torch::Tensor& logits, const torch::Tensor& target);

/// AutoSAM's: binary cross-entropy + Tversky loss (alpha = beta = 0.5), per image, then the mean of the batch.
/// `probabilities` [B, 1, h, w] are the masks as stretch_masks gives them; `target` [B, 1, S, S] is resized to them,
/// nearest.
torch::Tensor autosam_loss(const torch::Tensor& probabilities, const torch::Tensor& target);

inline constexpr double kInteractiveFocalWeight = 20.0;
inline constexpr double kInteractiveFocalGamma = 2.0;

/// SAM-Med2D's: 20 focal (gamma 2) + dice + mean squared error of the predicted IoU. Logits and target [B, 1, S, S],
/// `predicted_iou` [B]; the true IoU is that of the probabilities, and gradients flow through it, as published.
torch::Tensor interactive_loss(const torch::Tensor& logits, const torch::Tensor& target,
                               const torch::Tensor& predicted_iou);

}  // namespace automed::train
