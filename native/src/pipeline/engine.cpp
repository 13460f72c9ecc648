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

void check_request(const Request& request) {
  check_pixels(request.pixels);
  if (request.model->task() != request.task) {
    throw Error(ErrorCode::kWrongTask,
                std::string("the model does ") + name_of(request.model->task()) + ", not " + name_of(request.task),
                "model");
  }
  const double t = request.threshold;
  if (request.task == Task::kSegmentation && !(t > 0 && t < 1)) {
    throw Error(ErrorCode::kInvalidArgument, "threshold must lie in (0, 1)", "threshold");
  }
}

std::optional<std::array<std::int64_t, 4>> bounding_box_of(const torch::Tensor& mask) {
  const auto rows = mask.any(1).nonzero().flatten();
  if (rows.numel() == 0) return std::nullopt;
  const auto columns = mask.any(0).nonzero().flatten();
  const auto top = rows[0].item<std::int64_t>();
  const auto left = columns[0].item<std::int64_t>();
  return std::array{left, top, columns[-1].item<std::int64_t>() - left + 1, rows[-1].item<std::int64_t>() - top + 1};
}

/// Logits 1,1,S,S of one image -> its mask at the original size.
Segmentation finish_segmentation(const torch::Tensor& logits, const Placement& placement, double threshold) {
  const auto restored = restore_logits(logits, placement);  // height,width
  const auto foreground = restored > std::log(threshold / (1 - threshold));
  Segmentation result;
  result.mask = foreground.to(torch::kUInt8).contiguous();
  result.area_px = result.mask.sum(torch::kInt64).item<std::int64_t>();
  result.bounding_box = bounding_box_of(result.mask);
  if (result.area_px > 0) {
    result.mean_probability = restored.masked_select(foreground).sigmoid().mean(torch::kFloat64).item<double>();
  }
  return result;
}

/// The answer to one request from its row of the model's output.
Result finish(const Request& request, const torch::Tensor& output, const Placement& placement, Timings timings) {
  if (request.task == Task::kClassification) return Classification{output[0].clone(), timings};
  const auto begin = Clock::now();
  auto result = finish_segmentation(output, placement, request.threshold);
  timings.postprocess_ms = milliseconds_between(begin, Clock::now());
  result.timings = timings;
  return result;
}

}  // namespace

struct Engine::Pending {
  Request request;
  std::uint64_t sequence = 0;
  Clock::time_point arrived;

  bool cancelled() const { return request.cancelled && request.cancelled->load(); }
  bool expired(Clock::time_point now) const { return request.deadline && *request.deadline <= now; }
};

bool Engine::Order::operator()(const PendingPtr& a, const PendingPtr& b) const {
  if (a->request.priority != b->request.priority) return a->request.priority > b->request.priority;
  const auto deadline = [](const PendingPtr& p) { return p->request.deadline.value_or(Clock::time_point::max()); };
  if (deadline(a) != deadline(b)) return deadline(a) < deadline(b);
  return a->sequence < b->sequence;
}

Engine::Engine(const EngineOptions& options) : options_(options) {
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
  check_request(request);
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
    const auto before = std::distance(queue_.begin(), queue_.lower_bound(pending));
    const double wait_ms = expected_wait_ms(static_cast<std::size_t>(before));
    const auto retry_ms = std::max<std::int64_t>(1, std::llround(std::max(wait_ms, stats_.image_time_ms)));
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
  if (refusal) throw *refusal;
  wake_.notify_all();  // one of those waiting may be waiting for company only
}

/// Time until a worker is free for a newcomer behind `ahead` waiting images; call with the lock held.
double Engine::expected_wait_ms(std::size_t ahead) const {
  const auto busy = static_cast<double>(ahead + stats_.running_images);
  const auto workers = static_cast<double>(options_.workers);
  return busy < workers ? 0 : busy / workers * stats_.image_time_ms;
}

EngineStats Engine::stats() const {
  const std::lock_guard lock(mutex_);
  auto stats = stats_;
  stats.queued_images = queue_.size();
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
    stats_.running_images += batch.size();
    ++stats_.batches;
    stats_.batched_images += batch.size();
    lock.unlock();
    const auto images = batch.size();
    run(batch);
    batch.clear();
    lock.lock();
    stats_.running_images -= images;
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
    if (options_.max_batch > 1 && dropped.empty()) wait_for_company(first, lock);
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
    const std::chrono::duration<double, std::milli> reserve(2 * stats_.image_time_ms);
    until = std::min(until, *deadline - std::chrono::duration_cast<Clock::duration>(reserve));
  }
  wake_.wait_until(lock, until, [&] {
    if (closing_ || queue_.empty() || *queue_.begin() != first || first->cancelled()) return true;
    const auto company = std::count_if(queue_.begin(), queue_.end(),
                                       [&](const auto& p) { return p->request.model == first->request.model; });
    return company >= static_cast<std::ptrdiff_t>(options_.max_batch);
  });
}

std::vector<Engine::PendingPtr> Engine::collect(const PendingPtr& first) {
  std::vector<PendingPtr> batch{first};
  queue_.erase(first);
  for (auto it = queue_.begin(); it != queue_.end() && batch.size() < options_.max_batch;) {
    if ((*it)->request.model == first->request.model) {
      batch.push_back(*it);
      it = queue_.erase(it);
    } else {
      ++it;
    }
  }
  return batch;
}

void Engine::record_time(std::size_t images, double milliseconds) {
  const double per_image = milliseconds / static_cast<double>(images);
  const std::lock_guard lock(mutex_);
  auto& average = stats_.image_time_ms;
  average = average == 0 ? per_image : average + kSmoothing * (per_image - average);
}

void Engine::run(std::vector<PendingPtr>& batch) {
  const auto started = Clock::now();
  std::vector<PendingPtr> members;
  std::vector<Placement> placements;
  std::vector<torch::Tensor> inputs;
  std::vector<double> preprocess_ms;
  const auto count = [this](std::uint64_t EngineStats::*counter, std::size_t n = 1) {
    const std::lock_guard lock(mutex_);
    stats_.*counter += n;
  };
  // One bad image must not spoil the batch it was put into.
  const auto& model = *batch.front()->request.model;
  for (auto& pending : batch) {
    const auto begin = Clock::now();
    try {
      const auto& encoder = model.base().config().encoder;
      auto prepared = prepare_image(pending->request.pixels, encoder.image_size, encoder.fit);
      members.push_back(pending);
      placements.push_back(prepared.placement);
      inputs.push_back(std::move(prepared.input));
      preprocess_ms.push_back(milliseconds_between(begin, Clock::now()));
    } catch (...) {
      count(&EngineStats::failed);
      pending->request.done(current_error());
    }
  }
  if (members.empty()) return;
  torch::Tensor output;
  const auto begin = Clock::now();
  try {
    output = model.infer(torch::stack(inputs));
  } catch (...) {
    const auto error = current_error();
    count(&EngineStats::failed, members.size());
    for (auto& pending : members) pending->request.done(error);
    return;
  }
  const double inference_ms = milliseconds_between(begin, Clock::now());
  count(&EngineStats::encoded_images, members.size());
  record_time(members.size(), milliseconds_between(started, Clock::now()));
  for (std::size_t i = 0; i < members.size(); ++i) {
    auto& request = members[i]->request;
    const Timings timings{.queue_ms = milliseconds_between(members[i]->arrived, started),
                          .preprocess_ms = preprocess_ms[i],
                          .inference_ms = inference_ms,
                          .postprocess_ms = 0,
                          .batch_size = members.size()};
    std::optional<Result> result;
    try {
      result.emplace(finish(request, output.narrow(0, static_cast<std::int64_t>(i), 1), placements[i], timings));
      count(&EngineStats::completed);
    } catch (...) {
      result.emplace(current_error());
      count(&EngineStats::failed);
    }
    request.done(std::move(*result));
  }
}

}  // namespace automed::pipeline
