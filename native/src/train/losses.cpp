#include "train/losses.h"

namespace automed::train {

torch::Tensor focal_loss(const torch::Tensor& logits, const torch::Tensor& target, double alpha, double gamma) {
  const torch::Tensor p = torch::sigmoid(logits);
  const torch::Tensor cross_entropy =
      torch::binary_cross_entropy_with_logits(logits, target, {}, {}, at::Reduction::None);
  const torch::Tensor positive = target > 0.5;
  const torch::Tensor miss = torch::where(positive, 1 - p, p);  // 1 - p_t
  const torch::Tensor weight = torch::where(positive, alpha, 1 - alpha).to(p.dtype());
  const torch::Tensor focus = gamma == 1.0 ? miss : miss.pow(gamma);
  return (weight * focus * cross_entropy).mean();
}

torch::Tensor dice_loss(const torch::Tensor& logits, const torch::Tensor& target, double smooth) {
  const torch::Tensor p = torch::sigmoid(logits).flatten(1);  // B,pixels
  const torch::Tensor t = target.flatten(1);
  // 2 TP + FN + FP = sum(p) + sum(t)
  return (1 - (2 * (p * t).sum(1) + smooth) / (p.sum(1) + t.sum(1) + smooth)).mean();
}

torch::Tensor segmentation_loss(const torch::Tensor& logits, const torch::Tensor& target) {
  return focal_loss(logits, target) + dice_loss(logits, target);
}

torch::Tensor autosam_loss(const torch::Tensor& probabilities, const torch::Tensor& target) {
  const torch::Tensor truth = torch::upsample_nearest2d(target, probabilities.sizes().slice(2));
  // With alpha = beta = 0.5 Tversky's index is Dice's: TP / (TP + (FN + FP) / 2).
  const torch::Tensor p = probabilities.flatten(1);  // B,pixels
  const torch::Tensor t = truth.flatten(1);
  const torch::Tensor hits = (p * t).sum(1);
  const torch::Tensor index = (hits + kDiceSmooth) / (0.5 * (p.sum(1) + t.sum(1)) + kDiceSmooth);
  return torch::binary_cross_entropy(probabilities, truth) + (1 - index).mean();
}

torch::Tensor interactive_loss(const torch::Tensor& logits, const torch::Tensor& target,
                               const torch::Tensor& predicted_iou) {
  constexpr double kIouEps = 1e-7;
  const torch::Tensor p = torch::sigmoid(logits).flatten(1);  // B,pixels
  const torch::Tensor t = target.flatten(1);
  const torch::Tensor common = (p * t).sum(1);
  const torch::Tensor iou = (common + kIouEps) / (p.sum(1) + t.sum(1) - common + kIouEps);
  return kInteractiveFocalWeight * focal_loss(logits, target, kFocalAlpha, kInteractiveFocalGamma) +
         dice_loss(logits, target) + torch::mse_loss(predicted_iou, iou);
}

}  // namespace automed::train
