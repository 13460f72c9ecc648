#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace automed::train {

/// Overlap of one predicted mask with its reference.
struct Overlap {
  double dice;  // 2 |A and B| / (|A| + |B|)
  double iou;   // |A and B| / |A or B|
};

/// Two masks of one shape, foreground where non-zero (or true). Both empty count 1: nothing was there and nothing was
/// found. Throws kShapeMismatch.
Overlap overlap(const torch::Tensor& predicted, const torch::Tensor& reference);

/// The same from pixel counts.
Overlap overlap_of_counts(std::int64_t predicted, std::int64_t reference, std::int64_t common);

/// For a batch [B, ...]: one pair per image.
std::vector<Overlap> overlaps(const torch::Tensor& predicted, const torch::Tensor& reference);

/// Per-image Dice and IoU, averaged over images: the paper's mDSC and mIoU.
class SegmentationMetrics {
 public:
  void add(const Overlap& image);
  std::int64_t count() const { return count_; }
  /// 0 before the first image.
  double mean_dice() const;
  double mean_iou() const;

 private:
  std::int64_t count_ = 0;
  double dice_sum_ = 0;
  double iou_sum_ = 0;
};

struct ClassScores {
  double precision;
  double recall;
  double f1;
  std::int64_t support;  // images of the class
};

/// Counts of reference class (row) against predicted class (column). Every ratio whose denominator is zero is 0: a
/// class that was never predicted has precision 0, one without images has recall 0 (its support says so).
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(std::int64_t classes);
  /// Throws kInvalidArgument for a class outside [0, classes).
  void add(std::int64_t reference, std::int64_t predicted);

  std::int64_t classes() const { return classes_; }
  std::int64_t total() const;
  std::int64_t at(std::int64_t reference, std::int64_t predicted) const;
  double accuracy() const;
  ClassScores scores(std::int64_t label) const;
  /// Unweighted mean over the classes that have images.
  double macro_f1() const;

 private:
  std::int64_t classes_;
  std::vector<std::int64_t> counts_;  // classes x classes, row-major
};

}  // namespace automed::train
