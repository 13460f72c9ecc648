#include "train/metrics.h"

#include <cmath>

#include "support/native_test.h"

using automed::ErrorCode;
using automed::test::error_of;

TEST("metrics: Dice and IoU of two masks, both empty count 1, one empty counts 0") {
  const torch::Tensor a = torch::tensor({{1, 1, 0, 0}}, torch::kUInt8);
  const torch::Tensor b = torch::tensor({{0, 255, 255, 255}}, torch::kUInt8);
  const torch::Tensor none = torch::zeros({1, 4}, torch::kUInt8);
  const auto score = automed::train::overlap(a, b);
  CHECK(std::abs(score.dice - 2.0 / 5) < 1e-12 && std::abs(score.iou - 1.0 / 4) < 1e-12);
  CHECK(automed::train::overlap(none, none).dice == 1 && automed::train::overlap(none, none).iou == 1);
  CHECK(automed::train::overlap(a, none).dice == 0 && automed::train::overlap(none, a).iou == 0);
  CHECK(automed::train::overlap(b, b).dice == 1);
  error_of(ErrorCode::kShapeMismatch, [&] { automed::train::overlap(a, torch::zeros({2, 4})); });
}
