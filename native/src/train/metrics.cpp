#include "train/metrics.h"

#include <numeric>

#include "core/error.h"

namespace automed::train {
namespace {

double ratio(double numerator, double denominator) {
  return denominator == 0 ? 0 : numerator / denominator;
}

void require_same_shape(const torch::Tensor& predicted, const torch::Tensor& reference) {
  if (predicted.sizes() != reference.sizes()) {
    throw Error(ErrorCode::kShapeMismatch, "the masks to compare differ in shape", "mask");
  }
}

}  // namespace

Overlap overlap_of_counts(std::int64_t predicted, std::int64_t reference, std::int64_t common) {
  if (predicted + reference == 0) return {1, 1};
  const auto both = static_cast<double>(common);
  return {2 * both / static_cast<double>(predicted + reference),
          both / static_cast<double>(predicted + reference - common)};
}

Overlap overlap(const torch::Tensor& predicted, const torch::Tensor& reference) {
  return overlaps(predicted.unsqueeze(0), reference.unsqueeze(0)).front();
}

std::vector<Overlap> overlaps(const torch::Tensor& predicted, const torch::Tensor& reference) {
  require_same_shape(predicted, reference);
  const std::int64_t batch = predicted.size(0);
  const torch::Tensor p = (predicted != 0).reshape({batch, -1});
  const torch::Tensor r = (reference != 0).reshape({batch, -1});
  const torch::Tensor counts = torch::stack({p.sum(1), r.sum(1), (p & r).sum(1)}, 1).to(torch::kCPU);  // B,3
  const auto count = counts.accessor<std::int64_t, 2>();
  std::vector<Overlap> result;
  for (std::int64_t i = 0; i < batch; ++i) {
    result.push_back(overlap_of_counts(count[i][0], count[i][1], count[i][2]));
  }
  return result;
}

void SegmentationMetrics::add(const Overlap& image) {
  ++count_;
  dice_sum_ += image.dice;
  iou_sum_ += image.iou;
}

double SegmentationMetrics::mean_dice() const {
  return ratio(dice_sum_, static_cast<double>(count_));
}
double SegmentationMetrics::mean_iou() const {
  return ratio(iou_sum_, static_cast<double>(count_));
}

ConfusionMatrix::ConfusionMatrix(std::int64_t classes) : classes_(classes) {
  if (classes < 1) throw Error(ErrorCode::kInvalidArgument, "there must be at least one class", "classes");
  counts_.assign(static_cast<std::size_t>(classes * classes), 0);
}

void ConfusionMatrix::add(std::int64_t reference, std::int64_t predicted) {
  if (reference < 0 || reference >= classes_ || predicted < 0 || predicted >= classes_) {
    throw Error(ErrorCode::kInvalidArgument, "a class is outside the confusion matrix", "class");
  }
  ++counts_[static_cast<std::size_t>(reference * classes_ + predicted)];
}

std::int64_t ConfusionMatrix::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0});
}

std::int64_t ConfusionMatrix::at(std::int64_t reference, std::int64_t predicted) const {
  return counts_.at(static_cast<std::size_t>(reference * classes_ + predicted));
}

double ConfusionMatrix::accuracy() const {
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < classes_; ++i) right += at(i, i);
  return ratio(static_cast<double>(right), static_cast<double>(total()));
}

ClassScores ConfusionMatrix::scores(std::int64_t label) const {
  std::int64_t references = 0, predictions = 0;
  for (std::int64_t i = 0; i < classes_; ++i) {
    references += at(label, i);
    predictions += at(i, label);
  }
  const auto right = static_cast<double>(at(label, label));
  const double precision = ratio(right, static_cast<double>(predictions));
  const double recall = ratio(right, static_cast<double>(references));
  return {precision, recall, ratio(2 * precision * recall, precision + recall), references};
}

double ConfusionMatrix::macro_f1() const {
  double sum = 0;
  std::int64_t present = 0;
  for (std::int64_t i = 0; i < classes_; ++i) {
    const ClassScores label = scores(i);
    if (label.support == 0) continue;
    sum += label.f1;
    ++present;
  }
  return ratio(sum, static_cast<double>(present));
}

}  // namespace automed::train
