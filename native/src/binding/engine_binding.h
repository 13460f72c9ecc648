#pragma once

#include <napi.h>

#include <memory>

#include "pipeline/engine.h"

namespace automed::binding {

/// RawEngine.
class EngineHandle : public Napi::ObjectWrap<EngineHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit EngineHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value load_base(const Napi::CallbackInfo& info);
  Napi::Value load_model(const Napi::CallbackInfo& info);
  Napi::Value run_heads(const Napi::CallbackInfo& info);
  Napi::Value encode(const Napi::CallbackInfo& info);
  Napi::Value predict_masks(const Napi::CallbackInfo& info);
  Napi::Value find_everything(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
  Napi::Value trim_memory(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  /// `pixels`: Pixels or null.
  Napi::Value submit(Napi::Env env, pipeline::Job job, const Napi::Value& pixels, const Napi::Value& options);

  torch::Device device_ = torch::kCPU;
  nn::PackPolicy encoder_weights_ = nn::PackPolicy::kAlways;
  std::shared_ptr<pipeline::Engine> engine_;
};

}  // namespace automed::binding
