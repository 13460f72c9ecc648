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

}  // namespace automed::train
