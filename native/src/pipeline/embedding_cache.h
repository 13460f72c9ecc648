#pragma once

#include <torch/torch.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "pipeline/image.h"

namespace automed::pipeline {

/// What a base's image encoder made of one image.
struct Embedding {
  torch::Tensor features;  ///< 1,C,g,g on the base's device
  Placement placement;     ///< of the image on the encoder's input
};

struct EmbeddingCacheOptions {
  std::size_t max_bytes = 0;                        ///< of the features; 0 keeps nothing
  std::chrono::milliseconds time_to_live{300'000};  ///< after the last use
};

struct EmbeddingCacheStats {
  std::size_t entries = 0;
  std::size_t bytes = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t evicted = 0;  ///< made room for others
  std::uint64_t expired = 0;
};

/// Embeddings by key, shared by all heads of all bases. A key says everything that the features depend on: the pixels
/// with their layout, their preprocessing, the base's weights, the precision. The least recently used make room for new
/// ones. Any thread may call.
class EmbeddingCache {
 public:
  using Clock = std::chrono::steady_clock;

  explicit EmbeddingCache(const EmbeddingCacheOptions& options) : options_(options) {}

  /// Counts a hit or a miss.
  std::optional<Embedding> find(const std::string& key, Clock::time_point now = Clock::now());
  /// Does nothing with an embedding that is larger than the whole budget.
  void insert(const std::string& key, Embedding embedding, Clock::time_point now = Clock::now());
  /// Also lets go of what has expired.
  EmbeddingCacheStats stats(Clock::time_point now = Clock::now());
  void clear();

 private:
  struct Entry {
    std::string key;
    Embedding embedding;
    Clock::time_point used;
  };
  using Entries = std::list<Entry>;  // the most recently used first

  void expire(Clock::time_point now);
  void erase(Entries::iterator entry);

  const EmbeddingCacheOptions options_;
  std::mutex mutex_;
  Entries entries_;
  std::unordered_map<std::string, Entries::iterator> index_;
  EmbeddingCacheStats stats_;
};

}  // namespace automed::pipeline
