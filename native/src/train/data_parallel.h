#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "nn/batch_norm.h"
#include "train/collective.h"
#include "train/gradient_buckets.h"
#include "train/system.h"

namespace automed::train {

struct SampleResult;

/// The part of a batch of the whole process group that one rank learns from: [begin, end) of the epoch's order.
struct BatchPart {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// What makes a trainer one of several that train the same model: each learns from its part of every batch, and the
/// gradients, the statistics of batch norm and the losses are those of the whole batch. N ranks with batch size B
/// compute what one does with N x B, up to the order of float additions.
class DataParallel {
 public:
  /// `modules`: what is trained; its batch norms share their statistics from now on.
  DataParallel(std::unique_ptr<Collective> collective, System::Modules modules,
               const std::vector<torch::Tensor>& parameters);
  ~DataParallel();
  DataParallel(const DataParallel&) = delete;
  DataParallel& operator=(const DataParallel&) = delete;

  std::int64_t rank() const { return collective_->rank(); }
  std::size_t world_size() const { return static_cast<std::size_t>(collective_->world_size()); }

  /// Makes every rank go on from rank 0's weights and statistics. `facts`: what must be the same on every rank, such as
  /// the number of samples. Throws kCheckpointMismatch when it is not.
  void synchronise(const std::vector<std::int64_t>& facts);

  /// Whether batch norm takes its statistics from the whole batch, as at first, or from this rank's part alone.
  void share_statistics(bool shared);

  /// This rank's part of the batch [begin, end), which is split evenly, contiguous parts in the order of the ranks. A
  /// rank for which there is no sample gets the first as a stand-in that counts nothing.
  BatchPart part_of(std::size_t begin, std::size_t end) const;
  /// The same for the batch that is learned from next.
  BatchPart take_part(std::size_t begin, std::size_t end);
  /// Loss of the whole batch, from the mean over this rank's part.
  double whole_loss(const torch::Tensor& loss);
  /// Backward pass of the mean loss over this rank's part. `complete`: the gradients become those of the whole batch,
  /// together with what earlier passes gathered; otherwise they wait for a later pass.
  void backward(const torch::Tensor& loss, bool complete);

  /// Whether a batch of an evaluation, counted from 0, is this rank's.
  bool evaluates(std::size_t batch) const { return batch % world_size() == static_cast<std::size_t>(rank()); }
  /// All results from each rank's own, in the order of the samples.
  std::vector<SampleResult> gather_results(const std::vector<SampleResult>& own, std::size_t count);

  /// world_size,... of a tensor of every rank.
  torch::Tensor gather(const torch::Tensor& tensor) { return collective_->gather(tensor); }
  /// The sum over the ranks; the tensor itself stays as it is.
  torch::Tensor total(const torch::Tensor& tensor);
  void barrier() { collective_->barrier(); }

 private:
  class Statistics;

  /// Without a stand-in.
  BatchPart share_of(std::size_t begin, std::size_t end) const;

  std::unique_ptr<Collective> collective_;
  System::Modules modules_;
  c10::intrusive_ptr<Statistics> statistics_;
  GradientBuckets buckets_;
  double weight_ = 0;  ///< share of the batch that this rank's part is; 0 for a stand-in
};

}  // namespace automed::train
