#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "core/between_steps.h"
#include "pipeline/embedding_cache.h"
#include "pipeline/job.h"

namespace automed::pipeline {

/// Jobs that share a forward pass (`can_share_batch`), on the thread that runs them. What goes wrong with one image
/// becomes the result of its job and leaves the others alone.
class Batch {
 public:
  struct Item {
    const Job* job;
    const ImageSource* image;
    double queue_ms;
    std::function<void()> checkpoint;  ///< throws when nobody waits for the result any more
  };

  /// Where a worker's time went, in seconds.
  struct Compute {
    double total = 0;
    /// Of it, on images that nobody waited for in the end: while somebody still did, and after that. The second is at
    /// most the time of one step for each image, of which a block of the encoder is the longest.
    double wasted_before = 0, wasted_after = 0;
  };

  /// The jobs must outlive the batch.
  Batch(std::vector<Item> items, EmbeddingCache& cache);

  /// Finds or computes every embedding and runs the heads. Returns the number of images that the encoder saw.
  std::size_t forward();
  /// What the job at `index` answers; after forward(), once for each.
  Result finish(std::size_t index);
  /// Since the last call.
  Compute take_compute() { return std::exchange(compute_, {}); }

 private:
  struct State {
    Item item;
    std::optional<Error> failure = {};
    std::optional<Embedding> embedding = {};
    torch::Tensor input = {};  // 3,S,S; undefined when nothing looks at the image
    Placement placement = {};
    Timings timings = {};
    double spent_s = 0;                       // the image's share of the worker's time so far
    std::vector<torch::Tensor> outputs = {};  // of each head, 1,...
  };

  void prepare(State& state);
  void look(const std::vector<State*>& in_work);
  std::optional<torch::Tensor> look_and_keep(std::vector<State*>& members);
  std::size_t encode();
  void run_heads();
  Result run_on_outputs(State& state, const BetweenSteps& between);
  Result run_on_embedding(State& state, const BetweenSteps& between);
  template <typename Select>
  std::vector<State*> alive(Select select);

  std::vector<State> states_;
  EmbeddingCache& cache_;
  std::chrono::steady_clock::time_point looked_;
  Compute compute_;
};

}  // namespace automed::pipeline
