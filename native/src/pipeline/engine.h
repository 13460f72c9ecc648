#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "core/error.h"
#include "pipeline/batch.h"
#include "pipeline/embedding_cache.h"
#include "pipeline/job.h"

namespace automed::pipeline {

using Clock = std::chrono::steady_clock;

/// The moment so many milliseconds from now; more than a year counts as a year.
Clock::time_point deadline_in(double milliseconds);

struct EngineOptions {
  int workers = 1;             ///< threads that run LibTorch
  int threads_per_worker = 1;  ///< intra-op threads of each
  std::size_t queue_capacity = 64;
  std::size_t max_batch = 1;                    ///< images per forward pass
  std::chrono::milliseconds max_batch_wait{0};  ///< how long an incomplete batch waits for company
  EmbeddingCacheOptions cache;
};

/// Shared between the caller, who may raise it at any time, and the engine, which looks at it before it starts the
/// work and between its steps.
using CancelFlag = std::shared_ptr<std::atomic<bool>>;

struct Request {
  Job job;
  ImageSource image = {};
  int priority = 0;  ///< higher runs first
  std::optional<Clock::time_point> deadline = {};
  CancelFlag cancelled = {};              ///< may be null
  std::function<void(Result)> done = {};  ///< called exactly once, on a worker thread or inside submit() or close()
};

struct EngineStats {
  std::size_t queued_images = 0;
  std::size_t running_images = 0;
  std::uint64_t completed = 0;
  std::uint64_t refused = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t expired = 0;
  std::uint64_t failed = 0;
  std::uint64_t batches = 0;
  std::uint64_t batched_images = 0;
  std::uint64_t encoded_images = 0;
  Batch::Compute compute;    ///< of all workers since the start
  double image_time_ms = 0;  ///< moving average of the time that the heads of one image take
  EmbeddingCacheStats cache;
};

/// The one queue of a process and its long-lived LibTorch threads, shared by all models. Orders by priority, then
/// deadline, then arrival; drops cancelled and expired requests before their work starts and between its steps; runs
/// requests that can share a forward pass as one batch; refuses with kQueueFull and a time to come back when the queue
/// is full or the wait would outlast the deadline. Holds the embeddings that jobs share.
class Engine {
 public:
  explicit Engine(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Throws kQueueFull, kDeadlineExceeded, kWrongTask, kInvalidArgument or kIllegalState at once, without calling
  /// `done`. What prompts hold against their image is told through `done`.
  void submit(Request request);
  EngineStats stats();
  /// Cancels what waits, finishes what runs, joins the threads. Idempotent.
  void close();

 private:
  struct Pending;
  using PendingPtr = std::shared_ptr<Pending>;
  struct Order {
    bool operator()(const PendingPtr& a, const PendingPtr& b) const;
  };
  using Queue = std::set<PendingPtr, Order>;

  void work();
  std::vector<PendingPtr> take_batch(std::unique_lock<std::mutex>& lock);
  void wait_for_company(const PendingPtr& first, std::unique_lock<std::mutex>& lock);
  std::vector<PendingPtr> collect(const PendingPtr& first);
  void purge(std::vector<PendingPtr>& dropped);
  void settle_dropped(std::vector<PendingPtr>& dropped);
  void run(std::vector<PendingPtr>& batch);
  std::vector<Batch::Item> items_of(const std::vector<PendingPtr>& batch, Clock::time_point started) const;
  void settle(const PendingPtr& pending, Result result);
  void count_compute(const Batch::Compute& compute);
  void record_time(std::size_t kind, std::size_t images, double milliseconds);
  double cost_ms(const Pending& pending) const;
  double expected_wait_ms(const PendingPtr& newcomer) const;

  const EngineOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Queue queue_;
  bool closing_ = false;
  std::uint64_t next_sequence_ = 0;
  EngineStats stats_;
  std::array<double, kJobKinds> average_ms_{};    ///< moving average of the time of one image, by kind of job
  std::array<std::size_t, kJobKinds> running_{};  ///< images in work, by kind of job
  EmbeddingCache cache_;
  std::vector<std::thread> threads_;
};

}  // namespace automed::pipeline
