#pragma once

#include <napi.h>

#include <atomic>
#include <memory>

#include "pipeline/engine.h"

namespace automed::binding {

/// RawCancelToken: raised from JavaScript, read by the engine before the work starts.
class CancelToken : public Napi::ObjectWrap<CancelToken> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit CancelToken(const Napi::CallbackInfo& info);
  pipeline::CancelFlag flag() const { return flag_; }

 private:
  void cancel(const Napi::CallbackInfo& info);
  pipeline::CancelFlag flag_ = std::make_shared<std::atomic<bool>>(false);
};

/// RawBase.
class BaseHandle : public Napi::ObjectWrap<BaseHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  /// Made by Engine::load_base only, from an External.
  explicit BaseHandle(const Napi::CallbackInfo& info);
  /// Throws kIllegalState when disposed.
  std::shared_ptr<const pipeline::LoadedBase> get() const;

 private:
  Napi::Value device(const Napi::CallbackInfo& info);
  Napi::Value precision(const Napi::CallbackInfo& info);
  Napi::Value parameter_count(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);
  std::shared_ptr<const pipeline::LoadedBase> base_;
};

/// RawModel.
class ModelHandle : public Napi::ObjectWrap<ModelHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ModelHandle(const Napi::CallbackInfo& info);
  std::shared_ptr<const pipeline::LoadedModel> get() const;

 private:
  Napi::Value task(const Napi::CallbackInfo& info);
  Napi::Value parameter_count(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);
  std::shared_ptr<const pipeline::LoadedModel> model_;
};

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
  /// `pixels`: RawPixels or null.
  Napi::Value submit(Napi::Env env, pipeline::Job job, const Napi::Value& pixels, const Napi::Value& options);

  torch::Device device_ = torch::kCPU;
  std::shared_ptr<pipeline::Engine> engine_;
};

}  // namespace automed::binding
