#include "pipeline/batch.h"

#include <utility>

#include "core/compute_alone.h"
#include "core/translate.h"
#include "pipeline/finite.h"

namespace automed::pipeline {
namespace {

using BatchClock = std::chrono::steady_clock;

double milliseconds_since(BatchClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(BatchClock::now() - begin).count();
}

/// Ends a forward pass whose members have all left.
struct NobodyWaits {};

/// Logits 1,K,S,S of one image -> its K masks at the original size.
Segmentation finish_segmentation(const torch::Tensor& logits, const Placement& placement, const HeadRun& head,
                                 const BetweenSteps& between) {
  Segmentation result;
  for (std::int64_t k = 0; k < logits.size(1); ++k) {
    look_up(between);
    const auto structure = logits.narrow(1, k, 1);
    auto& drawn = result.masks.emplace_back(draw_mask(structure, placement, head.threshold));
    if (head.probabilities) drawn.probabilities = draw_probabilities(structure, placement);
  }
  return result;
}

std::optional<ClassSaliency> saliency_of(const HeadRun& head, const torch::Tensor& input,
                                         const std::optional<Embedding>& embedding, const Placement& placement) {
  if (!head.saliency) return std::nullopt;
  const auto features = embedding ? embedding->features : torch::Tensor();
  auto [target, map] = head.model->saliency(input.unsqueeze(0), features, head.saliency_class);
  return ClassSaliency{target, std::move(map), placement};
}

HeadsResult finish_heads(const HeadsJob& job, const std::vector<torch::Tensor>& outputs, const torch::Tensor& input,
                         const std::optional<Embedding>& embedding, const Placement& placement,
                         const BetweenSteps& between) {
  HeadsResult result;
  for (std::size_t i = 0; i < job.heads.size(); ++i) {
    if (job.heads[i].task == Task::kClassification) {
      result.outputs.emplace_back(
          Classification{outputs[i][0].clone(), saliency_of(job.heads[i], input, embedding, placement)});
    } else {
      result.outputs.emplace_back(finish_segmentation(outputs[i], placement, job.heads[i], between));
    }
  }
  return result;
}

}  // namespace

Batch::Batch(std::vector<Item> items, EmbeddingCache& cache) : cache_(cache), looked_(BatchClock::now()) {
  for (auto& item : items) {
    State state{.item = std::move(item)};
    state.timings.queue_ms = state.item.queue_ms;
    state.timings.batch_size = items.size();
    states_.push_back(std::move(state));
  }
}

template <typename Select>
std::vector<Batch::State*> Batch::alive(Select select) {
  std::vector<State*> result;
  for (State& state : states_) {
    if (!state.failure && select(state)) result.push_back(&state);
  }
  return result;
}

/// Shares the time since the last look among those that were in work, and lets go of those that nobody waits for.
void Batch::look(const std::vector<State*>& in_work) {
  const auto now = BatchClock::now();
  const double elapsed_s = std::chrono::duration<double>(now - std::exchange(looked_, now)).count();
  compute_.total += elapsed_s;
  for (State* state : in_work) {
    if (state->failure) continue;
    try {
      state->item.checkpoint();
    } catch (...) {
      state->failure.emplace(current_error());
      compute_.wasted_before += state->spent_s;
      compute_.wasted_after += elapsed_s / static_cast<double>(in_work.size());
    }
    state->spent_s += elapsed_s / static_cast<double>(in_work.size());
  }
}

/// Looks, and takes those that failed or left out of `members`. Returns the indices of those that stay; nothing when
/// all do. Throws NobodyWaits when none is left.
std::optional<torch::Tensor> Batch::look_and_keep(std::vector<State*>& members) {
  look(members);
  std::vector<std::int64_t> rows;
  std::vector<State*> kept;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i]->failure) continue;
    rows.push_back(static_cast<std::int64_t>(i));
    kept.push_back(members[i]);
  }
  if (kept.empty()) throw NobodyWaits();
  if (kept.size() == members.size()) return std::nullopt;
  members = std::move(kept);
  return torch::tensor(rows);
}

std::size_t Batch::forward() {
  for (State& state : states_) {
    look({&state});
    if (state.failure) continue;
    const auto begin = BatchClock::now();
    try {
      prepare(state);
    } catch (...) {
      state.failure.emplace(current_error());
    }
    state.timings.preprocess_ms = milliseconds_since(begin);
    look({&state});
  }
  const auto begin = BatchClock::now();
  std::size_t encoded = 0;
  double encoder_ms = 0;
  try {
    encoded = encode();
    if (encoded > 0) encoder_ms = milliseconds_since(begin);
    if (std::holds_alternative<HeadsJob>(*states_.front().item.job)) run_heads();
  } catch (const NobodyWaits&) {  // each has its own error
  } catch (...) {
    const auto error = current_error();
    for (State* state : alive([](const State&) { return true; })) state->failure.emplace(error);
  }
  for (State& state : states_) {
    state.timings.inference_ms = milliseconds_since(begin);
    state.timings.encoder_ms = encoder_ms;
  }
  return encoded;
}

/// Looks the embedding up; where it is missing, or heads look at the image, makes the input. Prompts are checked here,
/// before a wrong one costs an encoder pass.
void Batch::prepare(State& state) {
  const auto check = [&] {
    const auto* job = std::get_if<PromptJob>(state.item.job);
    if (job != nullptr) check_prompts(job->prompts, state.placement, job->base->config());
  };
  const auto& [pixels, key] = *state.item.image;
  if (!key.empty() && uses_embedding(*state.item.job)) state.embedding = cache_.find(key);
  state.timings.embedding_cached = state.embedding.has_value();
  if (state.embedding) {
    state.placement = state.embedding->placement;
    if (!std::holds_alternative<HeadsJob>(*state.item.job)) return check();
  }
  if (!pixels) {
    throw Error(ErrorCode::kEmbeddingNotResident, "no embedding with this id is held here; send the image",
                "embedding_id");
  }
  const auto image_size = base_of(*state.item.job).config().encoder.image_size;
  auto prepared = prepare_image(*pixels, image_size, preprocessing_of(*state.item.job));
  state.input = std::move(prepared.input);
  state.placement = prepared.placement;
  check();
}

std::size_t Batch::encode() {
  if (!uses_embedding(*states_.front().item.job)) return 0;
  auto missing = alive([](const State& state) { return !state.embedding; });
  if (missing.empty()) return 0;
  std::vector<torch::Tensor> inputs;
  for (const State* state : missing) inputs.push_back(state->input);
  torch::Tensor features;  // B,C,g,g of those that stay
  try {
    features = base_of(*states_.front().item.job).encode(torch::stack(inputs), [&] { return look_and_keep(missing); });
  } catch (const NobodyWaits&) {
    return 0;
  }
  for (std::size_t i = 0; i < missing.size(); ++i) {
    // A row of its own: what the cache keeps must not hold the memory of the whole batch.
    auto row = features.narrow(0, static_cast<std::int64_t>(i), 1);
    if (missing.size() > 1) row = row.clone();
    if (!is_finite(row)) {  // never cached, and no failure of those that share the pass
      missing[i]->failure.emplace(non_finite("embedding"));
      continue;
    }
    missing[i]->embedding = Embedding{row, missing[i]->placement};
    const auto& key = missing[i]->item.image->embedding_key;
    if (!key.empty()) cache_.insert(key, *missing[i]->embedding);
  }
  look(missing);
  return missing.size();
}

void Batch::run_heads() {
  auto members = alive([](const State&) { return true; });
  if (members.empty()) return;
  std::optional<ComputeAlone> alone;
  if (members.size() == 1) alone.emplace();
  std::vector<torch::Tensor> inputs, embeddings;
  for (const State* state : members) {
    inputs.push_back(state->input);
    if (state->embedding) embeddings.push_back(state->embedding->features);
  }
  auto images = torch::stack(inputs);  // B,3,S,S
  torch::Tensor features;              // B,C,g,g; undefined when no head uses them
  if (!embeddings.empty()) features = embeddings.size() == 1 ? embeddings.front() : torch::cat(embeddings);
  for (const HeadRun& head : std::get<HeadsJob>(*states_.front().item.job).heads) {
    const auto output = head.model->infer(images, features, [&] {
      look(members);
      if (alive([](const State&) { return true; }).empty()) throw NobodyWaits();
    });
    for (std::size_t i = 0; i < members.size(); ++i) {
      auto row = output.narrow(0, static_cast<std::int64_t>(i), 1);
      if (!members[i]->failure && !is_finite(row)) {
        members[i]->failure.emplace(non_finite(head.task == Task::kClassification ? "probabilities" : "mask logits"));
      }
      members[i]->outputs.push_back(std::move(row));
    }
    if (const auto rows = look_and_keep(members)) {
      images = images.index_select(0, *rows);
      if (features.defined()) features = features.index_select(0, rows->to(features.device()));
    }
  }
}

Result Batch::finish(std::size_t index) {
  State& state = states_[index];
  const auto look_at_it = [&] {
    look({&state});
    if (state.failure) throw Error(std::move(*state.failure));
  };
  try {
    look_at_it();
    const auto* heads = std::get_if<HeadsJob>(state.item.job);
    auto result = heads == nullptr ? run_on_embedding(state, look_at_it) : run_on_outputs(state, look_at_it);
    look_at_it();
    return result;
  } catch (...) {
    return current_error();
  }
}

/// What a job's heads have answered, at the original size.
Result Batch::run_on_outputs(State& state, const BetweenSteps& between) {
  const auto begin = BatchClock::now();
  auto result = finish_heads(std::get<HeadsJob>(*state.item.job), state.outputs, state.input, state.embedding,
                             state.placement, between);
  state.timings.postprocess_ms = milliseconds_since(begin);
  result.timings = state.timings;
  return result;
}

/// The jobs that need nothing of the image but its embedding.
Result Batch::run_on_embedding(State& state, const BetweenSteps& between) {
  const auto begin = BatchClock::now();
  const auto& placement = state.placement;
  if (const auto* job = std::get_if<PromptJob>(state.item.job)) {
    auto masks = predict_masks(*job->base, *state.embedding, job->prompts, job->threshold, between);
    state.timings.inference_ms += milliseconds_since(begin);
    return PromptResult{placement, std::move(masks), state.timings};
  }
  if (const auto* job = std::get_if<EverythingJob>(state.item.job)) {
    auto masks = find_everything(*job->base, *state.embedding, job->options, between);
    state.timings.inference_ms += milliseconds_since(begin);
    return EverythingResult{placement, std::move(masks), state.timings};
  }
  torch::Tensor features;
  if (std::get<EncodeJob>(*state.item.job).return_features) {
    features = state.embedding->features[0].to(torch::kCPU, torch::kHalf).contiguous();
    check_finite(features, "embedding");  // float16 ends at 65504
  }
  return EncodeResult{placement, features, state.timings};
}

}  // namespace automed::pipeline
