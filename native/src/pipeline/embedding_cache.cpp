#include "pipeline/embedding_cache.h"

#include <iterator>
#include <utility>

namespace automed::pipeline {

std::optional<Embedding> EmbeddingCache::find(const std::string& key, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  expire(now);
  const auto position = index_.find(key);
  if (position == index_.end()) {
    ++stats_.misses;
    return std::nullopt;
  }
  ++stats_.hits;
  entries_.splice(entries_.begin(), entries_, position->second);
  position->second->used = now;
  return position->second->embedding;
}

void EmbeddingCache::insert(const std::string& key, Embedding embedding, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  expire(now);
  if (const auto position = index_.find(key); position != index_.end()) erase(position->second);
  const std::size_t bytes = embedding.features.nbytes();
  if (bytes > options_.max_bytes) return;
  while (stats_.bytes + bytes > options_.max_bytes) {
    erase(std::prev(entries_.end()));
    ++stats_.evicted;
  }
  entries_.push_front({key, std::move(embedding), now});
  index_[key] = entries_.begin();
  stats_.bytes += bytes;
  ++stats_.entries;
}

EmbeddingCacheStats EmbeddingCache::stats(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  expire(now);
  return stats_;
}

void EmbeddingCache::clear() {
  const std::lock_guard lock(mutex_);
  while (!entries_.empty()) erase(entries_.begin());
}

/// Call with the lock held. The list is in the order of use, so what has expired is at its end.
void EmbeddingCache::expire(Clock::time_point now) {
  while (!entries_.empty() && now - entries_.back().used > options_.time_to_live) {
    erase(std::prev(entries_.end()));
    ++stats_.expired;
  }
}

void EmbeddingCache::erase(Entries::iterator entry) {
  stats_.bytes -= entry->embedding.features.nbytes();
  --stats_.entries;
  index_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace automed::pipeline
