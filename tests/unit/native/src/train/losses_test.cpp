#include "train/losses.h"

#include <cmath>

#include "support/native_test.h"

using automed::test::max_difference;

TEST("losses: focal loss of one pixel equals the formula by hand") {
  const double p = 1 / (1 + std::exp(-0.7));
  const torch::Tensor logit = torch::tensor({{0.7f}});
  const double positive = automed::train::focal_loss(logit, torch::ones({1, 1})).item<double>();
  const double negative = automed::train::focal_loss(logit, torch::zeros({1, 1})).item<double>();
  CHECK(std::abs(positive - 0.25 * (1 - p) * -std::log(p)) < 1e-6);
  CHECK(std::abs(negative - 0.75 * p * -std::log(1 - p)) < 1e-6);
}

TEST("losses: a perfect prediction costs almost nothing, its opposite much, both empty nothing") {
  const torch::Tensor target = (torch::rand({2, 1, 16, 16}) > 0.5).to(torch::kFloat32);
  const torch::Tensor right = (target * 2 - 1) * 40;
  CHECK(automed::train::segmentation_loss(right, target).item<double>() < 1e-4);
  CHECK(automed::train::segmentation_loss(-right, target).item<double>() > 10);
  const torch::Tensor empty = torch::zeros({2, 1, 16, 16});
  CHECK(automed::train::dice_loss(empty - 40, empty).item<double>() < 1e-4);
}

TEST("losses: stay finite, with finite gradients, for extreme logits") {
  for (const float value : {-1e4f, 1e4f}) {
    torch::Tensor logits = torch::full({1, 1, 4, 4}, value).requires_grad_();
    const torch::Tensor target = torch::tensor({0.f, 1.f}).repeat({8}).view({1, 1, 4, 4});
    const torch::Tensor loss = automed::train::segmentation_loss(logits, target);
    loss.backward();
    CHECK(torch::isfinite(loss).item<bool>());
    CHECK(torch::isfinite(logits.grad()).all().item<bool>());
  }
}

TEST("losses: dice is per image, then averaged") {
  const torch::Tensor logits = torch::randn({3, 1, 8, 8});
  const torch::Tensor target = (torch::rand({3, 1, 8, 8}) > 0.7).to(torch::kFloat32);
  double sum = 0;
  for (int i = 0; i < 3; ++i) {
    sum += automed::train::dice_loss(logits.slice(0, i, i + 1), target.slice(0, i, i + 1)).item<double>();
  }
  CHECK(std::abs(automed::train::dice_loss(logits, target).item<double>() - sum / 3) < 1e-6);
}

TEST("losses: AutoSAM's is cross-entropy and Tversky on the stretched map, with the target at its size") {
  const torch::Tensor target = torch::zeros({1, 1, 8, 8});
  target.slice(2, 0, 4).fill_(1);
  const torch::Tensor small = torch::zeros({1, 1, 4, 4});
  small.slice(2, 0, 2).fill_(1);
  const torch::Tensor p = small * 0.8 + (1 - small) * 0.1;
  // 8 of 16 pixels are foreground: TP 6.4, FN 1.6, FP 0.8.
  const double expected = -(std::log(0.8) + std::log(0.9)) / 2 + 1 - (6.4 + 1) / (6.4 + 0.5 * (1.6 + 0.8) + 1);
  CHECK(std::abs(automed::train::autosam_loss(p, target).item<double>() - expected) < 1e-5);
}

TEST("losses: the interactive one also pays for a wrong estimate of the IoU") {
  const torch::Tensor target = (torch::rand({2, 1, 16, 16}) > 0.5).to(torch::kFloat32);
  const torch::Tensor right = (target * 2 - 1) * 40;
  const double honest = automed::train::interactive_loss(right, target, torch::ones({2})).item<double>();
  const double modest = automed::train::interactive_loss(right, target, torch::full({2}, 0.4)).item<double>();
  CHECK(honest < 1e-3);
  CHECK(std::abs(modest - honest - 0.36) < 1e-4);
  CHECK(automed::train::interactive_loss(-right, target, torch::ones({2})).item<double>() > 20);
}
