#include "pipeline/engine.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/serial_thread.h"
#include "core/translate.h"

namespace automed::pipeline {
namespace {

double milliseconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

/// Weight of the newest batch in the moving average of the time an image takes.
constexpr double kSmoothing = 0.2;

}  // namespace

Clock::time_point deadline_in(double milliseconds) {
  constexpr std::chrono::duration<double, std::milli> kYear = std::chrono::hours(24 * 365);
  const auto wait = std::min(std::chrono::duration<double, std::milli>(milliseconds), kYear);
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(wait);
}

struct Engine::Pending {
  Request request;
  std::uint64_t sequence = 0;
  Clock::time_point arrived;

  bool cancelled() const { return request.cancelled && request.cancelled->load(); }
  bool expired(Clock::time_point now) const { return request.deadline && *request.deadline <= now; }
  bool fits(const Pending& other) const { return can_share_batch(request.job, other.request.job); }
  /// Throws when the result is worth nothing any more.
  void check_wanted() const {
    if (cancelled()) throw Error(ErrorCode::kCancelled, "the request was cancelled");
    if (expired(Clock::now())) throw Error(ErrorCode::kDeadlineExceeded, "the deadline passed");
  }
};

bool Engine::Order::operator()(const PendingPtr& a, const PendingPtr& b) const {
  if (a->request.priority != b->request.priority) return a->request.priority > b->request.priority;
  const auto deadline = [](const PendingPtr& p) { return p->request.deadline.value_or(Clock::time_point::max()); };
  if (deadline(a) != deadline(b)) return deadline(a) < deadline(b);
  return a->sequence < b->sequence;
}

Engine::Engine(const EngineOptions& options) : options_(options), cache_(options.cache) {
  try {
    for (int i = 0; i < options_.workers; ++i) threads_.emplace_back([this] { work(); });
  } catch (...) {  // the system gives no further thread
    close();
    throw;
  }
}

Engine::~Engine() {
  close();
}

void Engine::submit(Request request) {
  check_job(request.job, request.image);
  auto pending = std::make_shared<Pending>();
  pending->request = std::move(request);
  pending->arrived = Clock::now();
  std::vector<PendingPtr> dropped;
  std::optional<Error> refusal;
  {
    const std::lock_guard lock(mutex_);
    if (closing_) throw Error(ErrorCode::kIllegalState, "the engine is closed");
    purge(dropped);
    pending->sequence = next_sequence_++;
    // Only what would run before the newcomer delays it; a place in a full queue comes free with any request.
    const double wait_ms = expected_wait_ms(pending);
    const auto retry_ms = std::max<std::int64_t>(1, std::llround(std::max(wait_ms, cost_ms(*pending))));
    const auto& deadline = pending->request.deadline;
    if (pending->expired(pending->arrived)) {
      ++stats_.expired;
      refusal.emplace(ErrorCode::kDeadlineExceeded, "the deadline had passed when the request arrived");
    } else if (queue_.size() >= options_.queue_capacity) {
      refusal.emplace(ErrorCode::kQueueFull, "the queue is full (" + std::to_string(queue_.size()) + " images wait)",
                      retry_ms);
    } else if (deadline && milliseconds_between(pending->arrived, *deadline) < wait_ms) {
      refusal.emplace(ErrorCode::kQueueFull, "the wait would outlast the deadline", retry_ms);
    } else {
      queue_.insert(pending);
    }
    if (refusal && refusal->code() == ErrorCode::kQueueFull) ++stats_.refused;
  }
  settle_dropped(dropped);
  if (refusal) throw Error(std::move(*refusal));
  wake_.notify_all();  // one of those waiting may be waiting for company only
}

double Engine::cost_ms(const Pending& pending) const {
  return average_ms_[pending.request.job.index()];
}

/// Time until a worker is free for a newcomer behind those that come before it; call with the lock held.
double Engine::expected_wait_ms(const PendingPtr& newcomer) const {
  auto busy = stats_.running_images;
  double ahead_ms = 0;
  for (std::size_t kind = 0; kind < kJobKinds; ++kind) {
    ahead_ms += static_cast<double>(running_[kind]) * average_ms_[kind];
  }
  for (auto it = queue_.begin(); it != queue_.end() && Order()(*it, newcomer); ++it) {
    ++busy;
    ahead_ms += cost_ms(**it);
  }
  const auto workers = static_cast<std::size_t>(options_.workers);
  return busy < workers ? 0 : ahead_ms / static_cast<double>(workers);
}

EngineStats Engine::stats() {
  const std::lock_guard lock(mutex_);
  auto stats = stats_;
  stats.queued_images = queue_.size();
  stats.image_time_ms = average_ms_[Job(HeadsJob{}).index()];
  stats.cache = cache_.stats();
  return stats;
}

void Engine::close() {
  std::vector<PendingPtr> waiting;
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return;
    closing_ = true;
    waiting.assign(queue_.begin(), queue_.end());
    queue_.clear();
    stats_.cancelled += waiting.size();
  }
  wake_.notify_all();
  for (auto& pending : waiting) pending->request.done(Error(ErrorCode::kCancelled, "the engine is closing"));
  for (auto& thread : threads_) thread.join();
  cache_.clear();
}

/// Moves cancelled and expired requests out of the queue; call with the lock held, settle without it.
void Engine::purge(std::vector<PendingPtr>& dropped) {
  const auto now = Clock::now();
  for (auto it = queue_.begin(); it != queue_.end();) {
    const bool cancelled = (*it)->cancelled();
    if (cancelled || (*it)->expired(now)) {
      ++(cancelled ? stats_.cancelled : stats_.expired);
      dropped.push_back(*it);
      it = queue_.erase(it);
    } else {
      ++it;
    }
  }
}

void Engine::settle_dropped(std::vector<PendingPtr>& dropped) {
  for (auto& pending : dropped) {
    pending->request.done(pending->cancelled()
                              ? Error(ErrorCode::kCancelled, "the request was cancelled before it started")
                              : Error(ErrorCode::kDeadlineExceeded, "the deadline passed before the request started"));
  }
  dropped.clear();
}

void Engine::work() {
  set_intra_op_threads(options_.threads_per_worker);
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    auto batch = take_batch(lock);
    if (batch.empty()) continue;
    const auto images = batch.size();
    const auto kind = batch.front()->request.job.index();
    stats_.running_images += images;
    running_[kind] += images;
    ++stats_.batches;
    stats_.batched_images += images;
    lock.unlock();
    run(batch);
    batch.clear();
    lock.lock();
    stats_.running_images -= images;
    running_[kind] -= images;
  }
}

/// Takes the first request and its company out of the queue. May release the lock while it waits for company.
std::vector<Engine::PendingPtr> Engine::take_batch(std::unique_lock<std::mutex>& lock) {
  std::vector<PendingPtr> dropped;
  purge(dropped);
  std::vector<PendingPtr> batch;
  if (!queue_.empty()) {
    const auto first = *queue_.begin();
    // Those that were dropped must not wait with it, nor may it wait past the time it needs to meet its own deadline.
    const bool sociable = options_.max_batch > 1 && can_share_batch(first->request.job);
    if (sociable && dropped.empty()) wait_for_company(first, lock);
    purge(dropped);
    // What comes first may have changed meanwhile; then the next round starts with it.
    if (!queue_.empty() && *queue_.begin() == first) batch = collect(first);
  }
  if (!dropped.empty()) {
    lock.unlock();
    settle_dropped(dropped);
    lock.lock();
  }
  return batch;
}

void Engine::wait_for_company(const PendingPtr& first, std::unique_lock<std::mutex>& lock) {
  auto until = first->arrived + options_.max_batch_wait;
  if (const auto& deadline = first->request.deadline) {
    const std::chrono::duration<double, std::milli> reserve(2 * cost_ms(*first));
    until = std::min(until, *deadline - std::chrono::duration_cast<Clock::duration>(reserve));
  }
  wake_.wait_until(lock, until, [&] {
    if (closing_ || queue_.empty() || *queue_.begin() != first || first->cancelled()) return true;
    const auto company = std::count_if(queue_.begin(), queue_.end(), [&](const auto& p) { return p->fits(*first); });
    return company >= static_cast<std::ptrdiff_t>(options_.max_batch);
  });
}

std::vector<Engine::PendingPtr> Engine::collect(const PendingPtr& first) {
  std::vector<PendingPtr> batch{first};
  queue_.erase(first);
  for (auto it = queue_.begin(); it != queue_.end() && batch.size() < options_.max_batch;) {
    if ((*it)->fits(*first)) {
      batch.push_back(*it);
      it = queue_.erase(it);
    } else {
      ++it;
    }
  }
  return batch;
}

void Engine::record_time(std::size_t kind, std::size_t images, double milliseconds) {
  const double per_image = milliseconds / static_cast<double>(images);
  const std::lock_guard lock(mutex_);
  auto& average = average_ms_[kind];
  average = average == 0 ? per_image : average + kSmoothing * (per_image - average);
}

std::vector<Batch::Item> Engine::items_of(const std::vector<PendingPtr>& batch, Clock::time_point started) const {
  std::vector<Batch::Item> items;
  for (const auto& pending : batch) {
    items.push_back({.job = &pending->request.job,
                     .image = &pending->request.image,
                     .queue_ms = milliseconds_between(pending->arrived, started),
                     .checkpoint = [pending] { pending->check_wanted(); }});
  }
  return items;
}

/// Counts an outcome and hands it over.
void Engine::settle(const PendingPtr& pending, Result result) {
  const auto* error = std::get_if<Error>(&result);
  {
    const std::lock_guard lock(mutex_);
    if (error == nullptr) {
      ++stats_.completed;
    } else if (error->code() == ErrorCode::kCancelled) {
      ++stats_.cancelled;
    } else if (error->code() == ErrorCode::kDeadlineExceeded) {
      ++stats_.expired;
    } else {
      ++stats_.failed;
    }
  }
  pending->request.done(std::move(result));
}

void Engine::count_compute(const Batch::Compute& compute) {
  const std::lock_guard lock(mutex_);
  stats_.compute.total += compute.total;
  stats_.compute.wasted_before += compute.wasted_before;
  stats_.compute.wasted_after += compute.wasted_after;
}

void Engine::run(std::vector<PendingPtr>& batch) {
  const auto started = Clock::now();
  Batch work(items_of(batch, started), cache_);
  const auto encoded = work.forward();
  {
    const std::lock_guard lock(mutex_);
    stats_.encoded_images += encoded;
  }
  bool all_wanted = true;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    auto result = work.finish(i);
    const auto compute = work.take_compute();
    all_wanted = all_wanted && compute.wasted_after == 0;
    count_compute(compute);
    // Only what was worked for teaches what such work costs.
    const bool last = i + 1 == batch.size();
    if (last && all_wanted && !std::holds_alternative<Error>(result)) {
      record_time(batch[i]->request.job.index(), batch.size(), milliseconds_between(started, Clock::now()));
    }
    settle(batch[i], std::move(result));
  }
}

}  // namespace automed::pipeline
