#include "core/serial_thread.h"

#include <ATen/Parallel.h>

#include <utility>

namespace automed {

void set_intra_op_threads(int count) {
  at::get_num_threads();
  at::set_num_threads(count);
}

SerialThread::SerialThread(int intra_op_threads) : thread_([this, intra_op_threads] { run(intra_op_threads); }) {}

SerialThread::~SerialThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void SerialThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void SerialThread::post(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void SerialThread::run(int intra_op_threads) {
  set_intra_op_threads(intra_op_threads);
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what the job holds dies here, not under the lock
    lock.lock();
  }
}

}  // namespace automed
