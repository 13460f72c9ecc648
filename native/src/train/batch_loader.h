#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <optional>
#include <vector>

#include "core/serial_thread.h"
#include "train/system.h"

namespace automed::train {

/// Which training samples make a batch, and as which epoch's augmentation shows them.
struct BatchPlan {
  std::vector<std::size_t> indices;
  std::uint64_t epoch = 0;

  bool operator==(const BatchPlan&) const = default;
};

/// Makes the next batch on a thread of its own while the trainer learns from the one before. A batch is a function of
/// its plan alone, so that what is learned does not depend on whether it was made ahead.
class BatchLoader {
 public:
  using Load = std::function<Batch(const BatchPlan&)>;

  /// `load` is called on the loader's thread only, one call at a time.
  explicit BatchLoader(Load load);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  /// Begins to make a batch.
  void prepare(BatchPlan plan);
  /// The batch, as soon as it is made; one of another plan that was prepared is dropped. Throws what `load` throws.
  Batch take(const BatchPlan& plan);
  /// Returns when nothing is being made; what was prepared is dropped. For changes of what `load` reads.
  void drop();
  /// Seconds that `take` has kept its callers.
  double waited_seconds() const { return waited_seconds_; }

 private:
  struct Prepared {
    BatchPlan plan;
    std::future<Batch> batch;
  };

  Load load_;
  std::optional<Prepared> prepared_;
  double waited_seconds_ = 0;
  SerialThread thread_;  // last: its jobs use the others
};

}  // namespace automed::train
