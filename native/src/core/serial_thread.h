#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace automed {

/// Gives the calling thread `count` LibTorch threads, for good. LibTorch initialises a thread at its first parallel
/// operation with whatever count any thread stored last; that has to happen before the count is set, or it undoes it.
void set_intra_op_threads(int count);

/// One long-lived thread that runs jobs in the order they were given. LibTorch keeps an OpenMP pool per calling thread
/// and `at::set_num_threads` holds for that thread only, so work that touches tensors stays on few threads of this
/// kind.
class SerialThread {
 public:
  /// `intra_op_threads`: LibTorch threads the jobs may use.
  explicit SerialThread(int intra_op_threads);
  /// Runs what is queued, then joins.
  ~SerialThread();
  /// Drops what is queued, finishes what runs, joins. Idempotent; for the end of the process.
  void stop();
  SerialThread(const SerialThread&) = delete;
  SerialThread& operator=(const SerialThread&) = delete;

  /// The job must not throw.
  void post(std::function<void()> job);

 private:
  void run(int intra_op_threads);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace automed
