#include "binding/engine_options.h"

#include <string>

#include "binding/handles.h"
#include "binding/options.h"
#include "binding/results.h"
#include "core/device.h"

namespace automed::binding {
namespace {

constexpr std::int64_t kMaxQueue = 1 << 20;
constexpr std::int64_t kMaxWaitMs = 60'000;
constexpr std::int64_t kMaxPriority = 1000;
constexpr std::int64_t kMaxCacheBytes = std::int64_t{1} << 50;
constexpr std::int64_t kMaxTtlMs = 1000LL * 3600 * 24 * 365;

using pipeline::EngineOptions;
using pipeline::EngineStats;
using pipeline::Request;
using CacheOptions = pipeline::EmbeddingCacheOptions;
using Compute = pipeline::Batch::Compute;
using CacheStats = pipeline::EmbeddingCacheStats;

constexpr auto kEngine = &EngineSettings::engine;
constexpr auto kCounts = &Counts::engine;
constexpr auto kCacheStats = &EngineStats::cache;
constexpr auto kCompute = &EngineStats::compute;

/// Null where there is no accelerator.
auto memory_of(std::int64_t DeviceMemory::*part) {
  return [=](Napi::Env env, const Counts& counts) {
    return counts.device ? to_value(env, (*counts.device).*part) : env.Null();
  };
}

torch::Device read_device(const Napi::Value& value, const std::string& field) {
  return parse_device(read_string(value, field));
}

pipeline::Clock::time_point read_deadline(const Napi::Value& value, const std::string& field) {
  return pipeline::deadline_in(read_number(value, field));
}

pipeline::CancelFlag read_cancel_flag(const Napi::Value& value, const std::string& field) {
  return CancelToken::Unwrap(read_object(value, field))->flag();
}

}  // namespace

const Choices<nn::PackPolicy>& encoder_weights_choices() {
  static const Choices<nn::PackPolicy> kChoices = {
      {"packed", nn::PackPolicy::kAlways}, {"plain", nn::PackPolicy::kNever}, {"measured", nn::PackPolicy::kMeasured}};
  return kChoices;
}

EngineSettings read_engine_settings(const Napi::Object& options) {
  static const OptionTable<EngineSettings> kTable = {
      {"device", into(read_device, &EngineSettings::device)},
      {"workers", integer(1, kMaxThreads, kEngine, &EngineOptions::workers)},
      {"threadsPerWorker", integer(1, kMaxThreads, kEngine, &EngineOptions::threads_per_worker)},
      {"queueCapacity", integer(1, kMaxQueue, kEngine, &EngineOptions::queue_capacity)},
      {"maxBatch", integer(1, kMaxBatch, kEngine, &EngineOptions::max_batch)},
      {"maxBatchWaitMs", integer(0, kMaxWaitMs, kEngine, &EngineOptions::max_batch_wait)},
      {"embeddingCacheBytes", integer(0, kMaxCacheBytes, kEngine, &EngineOptions::cache, &CacheOptions::max_bytes)},
      {"embeddingTtlMs", integer(1, kMaxTtlMs, kEngine, &EngineOptions::cache, &CacheOptions::time_to_live)},
      {"encoderWeights", or_missing(choice(encoder_weights_choices(), &EngineSettings::encoder_weights))},
  };
  return read_options(options, kTable);
}

pipeline::Request read_request(const Napi::Object& options) {
  static const OptionTable<Request> kTable = {
      {"priority", integer(-kMaxPriority, kMaxPriority, &Request::priority)},
      {"timeoutMs", or_null(into(read_deadline, &Request::deadline))},
      {"cancel", or_null(into(read_cancel_flag, &Request::cancelled))},
      {"embeddingKey", or_null(text(&Request::image, &pipeline::ImageSource::embedding_key))},
  };
  return read_options(options, kTable);
}

Napi::Value stats_to_js(Napi::Env env, const Counts& counts) {
  static const PropertyTable<Counts> kTable = {
      {"queuedImages", member(kCounts, &EngineStats::queued_images)},
      {"runningImages", member(kCounts, &EngineStats::running_images)},
      {"completedRequests", member(kCounts, &EngineStats::completed)},
      {"refusedRequests", member(kCounts, &EngineStats::refused)},
      {"cancelledRequests", member(kCounts, &EngineStats::cancelled)},
      {"expiredRequests", member(kCounts, &EngineStats::expired)},
      {"failedRequests", member(kCounts, &EngineStats::failed)},
      {"batches", member(kCounts, &EngineStats::batches)},
      {"batchedImages", member(kCounts, &EngineStats::batched_images)},
      {"encodedImages", member(kCounts, &EngineStats::encoded_images)},
      {"computeSeconds", member(kCounts, kCompute, &Compute::total)},
      {"wastedBeforeSeconds", member(kCounts, kCompute, &Compute::wasted_before)},
      {"wastedAfterSeconds", member(kCounts, kCompute, &Compute::wasted_after)},
      {"imageTimeMs", member(kCounts, &EngineStats::image_time_ms)},
      {"cachedEmbeddings", member(kCounts, kCacheStats, &CacheStats::entries)},
      {"cachedBytes", member(kCounts, kCacheStats, &CacheStats::bytes)},
      {"cacheHits", member(kCounts, kCacheStats, &CacheStats::hits)},
      {"cacheMisses", member(kCounts, kCacheStats, &CacheStats::misses)},
      {"cacheEvictions", member(kCounts, kCacheStats, &CacheStats::evicted)},
      {"cacheExpirations", member(kCounts, kCacheStats, &CacheStats::expired)},
      {"deviceAllocatedBytes", memory_of(&DeviceMemory::allocated)},
      {"deviceReservedBytes", memory_of(&DeviceMemory::reserved)},
  };
  return to_object(env, counts, kTable);
}

}  // namespace automed::binding
