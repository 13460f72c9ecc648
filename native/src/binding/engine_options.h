#pragma once

#include <napi.h>
#include <torch/torch.h>

#include <optional>

#include "binding/convert.h"
#include "core/device.h"
#include "nn/packed_weight.h"
#include "pipeline/engine.h"

namespace automed::binding {

struct EngineSettings {
  torch::Device device = torch::kCPU;
  nn::PackPolicy encoder_weights = nn::PackPolicy::kAlways;
  pipeline::EngineOptions engine;
};

/// EncoderWeights of native/lib/types.
const Choices<nn::PackPolicy>& encoder_weights_choices();

/// EngineOptions of native/lib/types.
EngineSettings read_engine_settings(const Napi::Object& options);

/// RawRequestOptions; job and pixels are added by the caller.
pipeline::Request read_request(const Napi::Object& options);

struct Counts {
  pipeline::EngineStats engine;
  std::optional<DeviceMemory> device;
};

/// EngineStats.
Napi::Value stats_to_js(Napi::Env env, const Counts& counts);

}  // namespace automed::binding
