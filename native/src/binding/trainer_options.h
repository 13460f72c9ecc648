#pragma once

#include <napi.h>

#include <optional>
#include <vector>

#include "train/trainer.h"

namespace automed::binding {

struct TrainerSettings {
  int threads = 1;  ///< LibTorch's
  train::TrainerOptions trainer;
};

/// TrainerOptions of native/lib/types.
TrainerSettings read_trainer_settings(const Napi::Object& options);

/// StepResult, SampleResult[], and EmbeddingStats or null.
Napi::Value step_to_js(Napi::Env env, const train::StepResult& result);
Napi::Value results_to_js(Napi::Env env, const std::vector<train::SampleResult>& results);
Napi::Value embedding_stats_to_js(Napi::Env env, const std::optional<train::EmbeddingStoreStats>& stats);

}  // namespace automed::binding
