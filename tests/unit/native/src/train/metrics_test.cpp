#include "train/metrics.h"

#include <cmath>

#include "support/native_test.h"

using automed::ErrorCode;
using automed::test::error_of;
using automed::train::ConfusionMatrix;

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

TEST("metrics: means are over images, and 0 before the first") {
  automed::train::SegmentationMetrics metrics;
  CHECK(metrics.mean_dice() == 0 && metrics.mean_iou() == 0 && metrics.count() == 0);
  metrics.add({1, 1});
  metrics.add({0.5, 0.25});
  CHECK(metrics.mean_dice() == 0.75 && metrics.mean_iou() == 0.625 && metrics.count() == 2);
}

TEST("metrics: accuracy, precision, recall and F1 of a confusion matrix") {
  ConfusionMatrix matrix(3);
  for (int i = 0; i < 8; ++i) matrix.add(0, 0);
  for (int i = 0; i < 2; ++i) matrix.add(0, 1);
  for (int i = 0; i < 6; ++i) matrix.add(1, 1);
  for (int i = 0; i < 4; ++i) matrix.add(1, 0);
  CHECK(matrix.total() == 20 && matrix.at(1, 0) == 4);
  CHECK(std::abs(matrix.accuracy() - 0.7) < 1e-12);
  const auto zero = matrix.scores(0);
  CHECK(std::abs(zero.precision - 8.0 / 12) < 1e-12 && std::abs(zero.recall - 0.8) < 1e-12);
  CHECK(std::abs(zero.f1 - 16.0 / 22) < 1e-12 && zero.support == 10);
}

TEST("metrics: a class without images or predictions scores 0 and stays out of the macro mean") {
  ConfusionMatrix matrix(3);
  CHECK(matrix.accuracy() == 0 && matrix.macro_f1() == 0);
  matrix.add(0, 0);
  matrix.add(1, 0);
  const auto never_predicted = matrix.scores(1);
  CHECK(never_predicted.precision == 0 && never_predicted.recall == 0 && never_predicted.f1 == 0);
  CHECK(matrix.scores(2).support == 0 && matrix.scores(2).f1 == 0);
  CHECK(std::abs(matrix.macro_f1() - (2.0 / 3) / 2) < 1e-12);
}

TEST("metrics: a class outside the matrix is refused") {
  ConfusionMatrix matrix(2);
  for (const auto& [reference, predicted] : std::vector<std::pair<int, int>>{{2, 0}, {0, 2}, {-1, 0}, {0, -1}}) {
    error_of(ErrorCode::kInvalidArgument, [&, r = reference, p = predicted] { matrix.add(r, p); });
  }
  error_of(ErrorCode::kInvalidArgument, [] { ConfusionMatrix empty(0); });
}
