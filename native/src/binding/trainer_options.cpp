#include "binding/trainer_options.h"

#include <limits>
#include <string>
#include <utility>

#include "binding/convert.h"
#include "binding/engine_options.h"
#include "binding/job_binding.h"
#include "binding/options.h"
#include "binding/results.h"

namespace automed::binding {
namespace {

constexpr std::int64_t kMaxStructures = 64;
constexpr std::int64_t kMaxRotationSteps = 3600;
constexpr std::int64_t kMaxTimeoutMs = 7LL * 24 * 3600 * 1000;

using train::AugmentOptions;
using train::RankOptions;
using train::SampleResult;
using train::StepResult;
using train::TrainerOptions;
using KeptEmbeddings = train::EmbeddingCacheOptions;
using KeptStats = train::EmbeddingStoreStats;

/// The properties as they lie in the object. Kept embeddings become a part of the trainer's options where they have a
/// path.
struct FlatSettings {
  int threads = 1;
  TrainerOptions trainer;
  std::optional<std::string> embeddings_path;
  KeptEmbeddings embeddings;
};

double read_dropout(const Napi::Value& value, const std::string& field) {
  const double share = read_at_least_zero(value, field);
  if (share >= 1) throw Error(ErrorCode::kInvalidArgument, field + " must lie in [0, 1)", field);
  return share;
}

const OptionTable<RankOptions>& rank_table() {
  static const OptionTable<RankOptions> kTable = {
      {"rank", integer(0, kMaxSafeInteger, &RankOptions::rank)},
      {"worldSize", integer(1, kMaxSafeInteger, &RankOptions::world_size)},
      {"masterAddress", text(&RankOptions::master_address)},
      {"masterPort", integer(1, std::numeric_limits<std::uint16_t>::max(), &RankOptions::master_port)},
      {"rendezvousTimeoutMs", integer(1, kMaxTimeoutMs, &RankOptions::rendezvous_timeout)},
      {"collectiveTimeoutMs", integer(1, kMaxTimeoutMs, &RankOptions::collective_timeout)},
  };
  return kTable;
}

OptionTable<TrainerOptions> model_table() {
  using train::TrainedPart;
  const Choices<TrainedPart> parts = {
      {"head", TrainedPart::kHead}, {"adapters", TrainedPart::kAdapters}, {"encoder", TrainedPart::kEncoder}};
  return {
      {"device", text(&TrainerOptions::device)},
      {"task", into(read_task, &TrainerOptions::task)},
      {"baseArchitecture", text(&TrainerOptions::base_architecture)},
      {"baseWeightsPath", text(&TrainerOptions::base_weights_path)},
      {"headArchitecture", or_null(text(&TrainerOptions::head_architecture))},
      {"preprocessing", or_null(text(&TrainerOptions::preprocessing))},
      {"headWeightsPath", or_null(text(&TrainerOptions::head_weights_path))},
      {"backboneWeightsPath", or_null(text(&TrainerOptions::backbone_weights_path))},
      {"encoderWeights", or_missing(choice(encoder_weights_choices(), &TrainerOptions::encoder_weights))},
      {"train", choice(parts, &TrainerOptions::train)},
      {"structures", integer(1, kMaxStructures, &TrainerOptions::structures)},
      {"threshold", or_null(number(&TrainerOptions::threshold))},
      {"precision", text(&TrainerOptions::precision)},
      {"dropout", or_null(into(read_dropout, &TrainerOptions::dropout))},
      {"cachePath", text(&TrainerOptions::cache_path)},
      {"processGroup", or_null(object(rank_table(), &TrainerOptions::process_group))},
  };
}

OptionTable<TrainerOptions> recipe_table() {
  using train::OptimizerKind;
  const Choices<OptimizerKind> optimizers = {{"adam", OptimizerKind::kAdam}, {"adamw", OptimizerKind::kAdamW}};
  constexpr auto kAugment = &TrainerOptions::augment;
  return {
      {"seed", integer(0, kMaxSafeInteger, &TrainerOptions::seed)},
      {"optimizer", choice(optimizers, &TrainerOptions::optimizer)},
      {"learningRate", at_least_zero(&TrainerOptions::learning_rate)},
      {"weightDecay", at_least_zero(&TrainerOptions::weight_decay)},
      {"batchSize", integer(1, kMaxBatch, &TrainerOptions::batch_size)},
      {"accumulationSteps", integer(1, kMaxBatch, &TrainerOptions::accumulation_steps)},
      {"horizontalFlip", boolean(kAugment, &AugmentOptions::horizontal_flip)},
      {"verticalFlip", boolean(kAugment, &AugmentOptions::vertical_flip)},
      {"rotationDegrees", at_least_zero(kAugment, &AugmentOptions::rotation_degrees)},
      {"rotationSteps", integer(0, kMaxRotationSteps, kAugment, &AugmentOptions::rotation_steps)},
      {"batchNormMomentum", at_least_zero(&TrainerOptions::batch_norm_momentum)},
      {"gradientClip", at_least_zero(&TrainerOptions::gradient_clip)},
  };
}

OptionTable<FlatSettings> settings_table() {
  constexpr auto kEmbeddings = &FlatSettings::embeddings;
  OptionTable<FlatSettings> table = {
      {"threads", integer(1, kMaxThreads, &FlatSettings::threads)},
      {"embeddingCachePath", or_null(text(&FlatSettings::embeddings_path))},
      {"embeddingCacheBytes", integer(0, kMaxSafeInteger, kEmbeddings, &KeptEmbeddings::max_bytes)},
      {"baseSha256", text(kEmbeddings, &KeptEmbeddings::base_digest)},
  };
  add_rows(table, model_table(), &FlatSettings::trainer);
  add_rows(table, recipe_table(), &FlatSettings::trainer);
  return table;
}

Napi::Value overlaps_to_js(Napi::Env env, const std::vector<train::Overlap>& overlaps) {
  using train::Overlap;
  static const PropertyTable<Overlap> kTable = {{"dice", member(&Overlap::dice)}, {"iou", member(&Overlap::iou)}};
  if (overlaps.empty()) return env.Null();
  auto array = Napi::Array::New(env, overlaps.size());
  for (std::uint32_t i = 0; i < overlaps.size(); ++i) array.Set(i, to_object(env, overlaps[i], kTable));
  return array;
}

Napi::Value probabilities_of(Napi::Env env, const SampleResult& result) {
  return result.probabilities.defined() ? to_float_array(env, result.probabilities) : env.Null();
}

Napi::Value problem_of(Napi::Env env, const KeptStats& stats) {
  return stats.problem.empty() ? env.Null() : to_value(env, stats.problem);
}

}  // namespace

TrainerSettings read_trainer_settings(const Napi::Object& options) {
  static const OptionTable<FlatSettings> kTable = settings_table();
  auto flat = read_options(options, kTable);
  if (flat.embeddings_path) {
    flat.embeddings.path = *flat.embeddings_path;
    flat.trainer.embeddings = std::move(flat.embeddings);
  }
  return {.threads = flat.threads, .trainer = std::move(flat.trainer)};
}

Napi::Value step_to_js(Napi::Env env, const StepResult& result) {
  static const PropertyTable<StepResult> kTable = {{"steps", member(&StepResult::steps)},
                                                   {"images", member(&StepResult::images)},
                                                   {"loss", member(&StepResult::loss)},
                                                   {"epochDone", member(&StepResult::epoch_done)},
                                                   {"waitSeconds", member(&StepResult::wait_seconds)}};
  return to_object(env, result, kTable);
}

Napi::Value results_to_js(Napi::Env env, const std::vector<SampleResult>& results) {
  static const PropertyTable<SampleResult> kTable = {
      {"index", member(&SampleResult::index)},
      {"loss", member(&SampleResult::loss)},
      {"structures", [](Napi::Env js, const SampleResult& result) { return overlaps_to_js(js, result.structures); }},
      {"point", [](Napi::Env js, const SampleResult& result) { return overlaps_to_js(js, result.point); }},
      {"probabilities", probabilities_of},
      {"label", member(&SampleResult::label)},
  };
  auto array = Napi::Array::New(env, results.size());
  for (std::uint32_t i = 0; i < results.size(); ++i) array.Set(i, to_object(env, results[i], kTable));
  return array;
}

Napi::Value embedding_stats_to_js(Napi::Env env, const std::optional<KeptStats>& stats) {
  static const PropertyTable<KeptStats> kTable = {{"capacity", member(&KeptStats::capacity)},
                                                  {"kept", member(&KeptStats::kept)},
                                                  {"hits", member(&KeptStats::hits)},
                                                  {"misses", member(&KeptStats::misses)},
                                                  {"problem", problem_of}};
  return stats ? to_object(env, *stats, kTable) : env.Null();
}

}  // namespace automed::binding
