#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "train/collective.h"

namespace automed::train {

/// Sums the gradients of the ranks in flat buckets. A bucket's sum starts as soon as the last of its gradients is there
/// and runs beside the rest of the backward pass: gradients come in about the reverse order of the parameters, so the
/// first bucket holds the last parameters.
class GradientBuckets {
 public:
  static constexpr std::size_t kBucketBytes = std::size_t{25} * 1024 * 1024;

  /// `parameters`: float32 leaves, the same on every rank. The collective must outlive the buckets.
  GradientBuckets(Collective& collective, std::vector<torch::Tensor> parameters,
                  std::size_t bucket_bytes = kBucketBytes);
  ~GradientBuckets();
  GradientBuckets(const GradientBuckets&) = delete;
  GradientBuckets& operator=(const GradientBuckets&) = delete;

  /// Backward pass; afterwards every gradient, with what was gathered in it before, is the sum over the ranks. A
  /// parameter that no rank used keeps no gradient.
  void backward(const torch::Tensor& loss);

  std::size_t count() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::size_t first = 0;  ///< parameters [first, last)
    std::size_t last = 0;
    torch::Tensor values;
    std::size_t missing = 0;  ///< gradients that have not come yet
    std::unique_ptr<Collective::Pending> sum;
  };

  void gradient_ready(std::size_t parameter);
  /// Buckets start in their order on every rank, whatever order their gradients come in.
  void start(Bucket& bucket);
  void finish();

  Collective& collective_;
  std::vector<torch::Tensor> parameters_;  ///< last first
  std::vector<std::size_t> offsets_;       ///< of each parameter in its bucket
  std::vector<std::size_t> bucket_of_;
  std::vector<bool> ready_;
  std::vector<Bucket> buckets_;
  std::size_t started_ = 0;
  bool armed_ = false;

  friend class ReadyHook;
};

}  // namespace automed::train
