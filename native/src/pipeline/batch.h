#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

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

  /// The jobs must outlive the batch.
  Batch(std::vector<Item> items, EmbeddingCache& cache);

  /// Finds or computes every embedding and runs the heads. Returns the number of images that the encoder saw.
  std::size_t forward();
  /// What the job at `index` answers; after forward(), once for each.
  Result finish(std::size_t index);

 private:
  struct State {
    Item item;
    std::optional<Error> failure = {};
    std::optional<Embedding> embedding = {};
    torch::Tensor input = {};  // 3,S,S; undefined when nothing looks at the image
    Placement placement = {};
    Timings timings = {};
    std::vector<torch::Tensor> outputs = {};  // of each head, 1,...
  };

  void prepare(State& state);
  std::size_t encode();
  void run_heads();
  Result run_on_embedding(State& state);
  template <typename Select>
  std::vector<State*> alive(Select select);

  std::vector<State> states_;
  EmbeddingCache& cache_;
};

}  // namespace automed::pipeline
