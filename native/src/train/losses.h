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

}  // namespace automed::train
