#include "train/batch_loader.h"

#include <chrono>
#include <memory>
#include <utility>

namespace automed::train {

BatchLoader::BatchLoader(Load load) : load_(std::move(load)), thread_(/*intra_op_threads=*/1) {}

BatchLoader::~BatchLoader() {
  drop();
}

void BatchLoader::prepare(BatchPlan plan) {
  drop();
  const auto task = std::make_shared<std::packaged_task<Batch()>>([this, plan] { return load_(plan); });
  prepared_ = Prepared{std::move(plan), task->get_future()};
  thread_.post([task] { (*task)(); });
}

Batch BatchLoader::take(const BatchPlan& plan) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  if (!prepared_ || prepared_->plan != plan) prepare(plan);
  auto future = std::move(prepared_->batch);
  prepared_.reset();
  future.wait();
  waited_seconds_ += std::chrono::duration<double>(Clock::now() - begin).count();
  return future.get();
}

void BatchLoader::drop() {
  if (prepared_) prepared_->batch.wait();
  prepared_.reset();
}

}  // namespace automed::train
