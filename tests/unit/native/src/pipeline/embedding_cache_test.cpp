#include "pipeline/embedding_cache.h"

#include "support/native_test.h"

namespace automed::pipeline {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kBytes = 400;  // of one embedding below

Embedding embedding_of(float value) {
  return {torch::full({1, 4, 5, 5}, value), Placement{.width = 10, .height = 20}};
}

TEST("gives back what was put in and counts hits and misses") {
  EmbeddingCache cache({.max_bytes = 10 * kBytes});
  CHECK(!cache.find("a"));
  cache.insert("a", embedding_of(3));
  const auto found = cache.find("a");
  CHECK(found && found->features[0][0][0][0].item<float>() == 3 && found->placement.height == 20);
  const auto stats = cache.stats();
  CHECK(stats.hits == 1 && stats.misses == 1 && stats.entries == 1 && stats.bytes == kBytes);
}

TEST("lets the least recently used embeddings make room") {
  EmbeddingCache cache({.max_bytes = 3 * kBytes});
  for (const char* key : {"a", "b", "c"}) cache.insert(key, embedding_of(1));
  CHECK(cache.find("a"));  // now b is the oldest
  cache.insert("d", embedding_of(2));
  CHECK(!cache.find("b"));
  for (const char* key : {"a", "c", "d"}) CHECK(cache.find(key));
  CHECK(cache.stats().bytes == 3 * kBytes && cache.stats().evicted == 1);
}

TEST("replaces an embedding under its key without counting its bytes twice") {
  EmbeddingCache cache({.max_bytes = 2 * kBytes});
  cache.insert("a", embedding_of(1));
  cache.insert("a", embedding_of(2));
  CHECK(cache.find("a")->features.max().item<float>() == 2);
  CHECK(cache.stats().bytes == kBytes && cache.stats().entries == 1);
}

TEST("keeps no embedding that is larger than the budget, and pushes none out for it") {
  EmbeddingCache cache({.max_bytes = kBytes});
  cache.insert("a", embedding_of(1));
  cache.insert("large", {torch::zeros({1, 4, 50, 50}), {}});
  CHECK(cache.find("a") && !cache.find("large"));
  EmbeddingCache off({.max_bytes = 0});
  off.insert("a", embedding_of(1));
  CHECK(!off.find("a") && off.stats().bytes == 0);
}

TEST("lets an embedding go when its time after the last use is over") {
  EmbeddingCache cache({.max_bytes = 10 * kBytes, .time_to_live = milliseconds(100)});
  const auto start = EmbeddingCache::Clock::now();
  cache.insert("a", embedding_of(1), start);
  cache.insert("b", embedding_of(1), start);
  CHECK(cache.find("a", start + milliseconds(80)));
  CHECK(cache.stats(start + milliseconds(120)).entries == 1);  // b; nobody asked for it
  CHECK(cache.find("a", start + milliseconds(150)));
  CHECK(!cache.find("a", start + milliseconds(300)));
  const auto stats = cache.stats(start + milliseconds(300));
  CHECK(stats.expired == 2 && stats.entries == 0 && stats.bytes == 0);
}

}  // namespace
}  // namespace automed::pipeline
