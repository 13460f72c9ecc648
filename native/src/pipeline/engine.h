#pragma once

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
#include <variant>
#include <vector>

#include "core/error.h"
#include "pipeline/image.h"
#include "pipeline/loaded_model.h"

namespace automed::pipeline {

using Clock = std::chrono::steady_clock;

struct EngineOptions {
  int workers = 1;             ///< threads that run LibTorch
  int threads_per_worker = 1;  ///< intra-op threads of each
  std::size_t queue_capacity = 64;
  std::size_t max_batch = 1;                    ///< images per forward pass
  std::chrono::milliseconds max_batch_wait{0};  ///< how long an incomplete batch waits for company
};

struct Timings {
  double queue_ms = 0;
  double preprocess_ms = 0;
  double inference_ms = 0;  ///< of the whole batch
  double postprocess_ms = 0;
  std::size_t batch_size = 0;
};

struct Segmentation {
  torch::Tensor mask;  ///< uint8 height,width of the original image, 0 or 1
  std::int64_t area_px = 0;
  /// x, y, width, height; absent when the mask is empty.
  std::optional<std::array<std::int64_t, 4>> bounding_box;
  std::optional<double> mean_probability;  ///< of the foreground
  Timings timings;
};

struct Classification {
  torch::Tensor probabilities;  ///< float32 classes
  Timings timings;
};

using Result = std::variant<Segmentation, Classification, Error>;

/// Shared between the caller, who may raise it at any time, and the engine, which looks at it before it starts the
/// work.
using CancelFlag = std::shared_ptr<std::atomic<bool>>;

struct Request {
  std::shared_ptr<const LoadedModel> model;
  Task task = Task::kSegmentation;  ///< what the caller expects of the model
  PixelView pixels;                 ///< must stay valid until `done` is called
  double threshold = 0.5;           ///< probability in (0, 1); segmentation only
  int priority = 0;                 ///< higher runs first
  std::optional<Clock::time_point> deadline;
  CancelFlag cancelled;              ///< may be null
  std::function<void(Result)> done;  ///< called exactly once, on a worker thread or inside submit() or close()
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
  double image_time_ms = 0;
};

/// The one queue of a process and its long-lived LibTorch threads, shared by all models. Orders by priority, then
/// deadline, then arrival; drops cancelled and expired requests before their work starts; runs requests to one model as
/// one batch; refuses with kQueueFull and a time to come back when the queue is full or the wait would outlast the
/// deadline.
class Engine {
 public:
  explicit Engine(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Throws kQueueFull, kDeadlineExceeded, kWrongTask, kInvalidArgument or kIllegalState at once, without calling
  /// `done`.
  void submit(Request request);
  EngineStats stats() const;
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
  void record_time(std::size_t images, double milliseconds);
  double expected_wait_ms(std::size_t ahead) const;

  const EngineOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Queue queue_;
  bool closing_ = false;
  std::uint64_t next_sequence_ = 0;
  EngineStats stats_;
  std::vector<std::thread> threads_;
};

}  // namespace automed::pipeline
