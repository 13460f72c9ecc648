#include "train/batch_loader.h"

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include "support/native_test.h"

namespace automed::train {
namespace {

/// A batch that says which plan it is of.
Batch batch_of(const BatchPlan& plan) {
  return {torch::full({1}, static_cast<double>(plan.indices.front())), {}, {}};
}

double first(const Batch& batch) {
  return batch.images.item<double>();
}

TEST("a loader makes the batch that was prepared before it is taken, on a thread of its own") {
  std::promise<std::thread::id> made_on;
  BatchLoader loader([&](const BatchPlan& plan) {
    made_on.set_value(std::this_thread::get_id());
    return batch_of(plan);
  });
  const BatchPlan plan{.indices = {7}, .epoch = 1};
  loader.prepare(plan);
  CHECK(made_on.get_future().get() != std::this_thread::get_id());
  CHECK(first(loader.take(plan)) == 7);
}

TEST("a loader makes another batch where another is taken than was prepared, and drops what was") {
  std::atomic<int> made = 0;
  BatchLoader loader([&](const BatchPlan& plan) {
    ++made;
    return batch_of(plan);
  });
  loader.prepare({.indices = {7}, .epoch = 1});
  CHECK(first(loader.take({.indices = {8}, .epoch = 1})) == 8);
  loader.prepare({.indices = {8}, .epoch = 1});
  loader.drop();
  CHECK(made == 3);
  CHECK(first(loader.take({.indices = {8}, .epoch = 2})) == 8);
  CHECK(made == 4);
}

TEST("a loader counts the time that it keeps its caller, and none for a batch that is there") {
  std::promise<void> go;
  const auto gone = go.get_future().share();
  BatchLoader loader([&](const BatchPlan& plan) {
    gone.wait();
    return batch_of(plan);
  });
  const BatchPlan plan{.indices = {1}, .epoch = 0};
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    go.set_value();
  });
  loader.take(plan);
  later.join();
  const double waited = loader.waited_seconds();
  CHECK(waited > 0.01);
  loader.prepare(plan);
  loader.drop();
  CHECK(loader.waited_seconds() == waited);
}

TEST("a loader's batch that cannot be made fails where it is taken, and the next one is made") {
  bool fails = true;
  BatchLoader loader([&](const BatchPlan& plan) {
    if (std::exchange(fails, false)) throw std::runtime_error("torn");
    return batch_of(plan);
  });
  loader.prepare({.indices = {1}, .epoch = 0});
  std::string message;
  try {
    loader.take({.indices = {1}, .epoch = 0});
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  CHECK(message == "torn");
  CHECK(first(loader.take({.indices = {1}, .epoch = 0})) == 1);
}

}  // namespace
}  // namespace automed::train
