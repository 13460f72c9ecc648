#pragma once

#include <napi.h>

#include <atomic>
#include <memory>
#include <string>

#include "binding/convert.h"
#include "core/error.h"
#include "pipeline/engine.h"

namespace automed::binding {

/// RawCancelToken: raised from JavaScript, read by the engine before the work starts and between its steps.
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
  Napi::Value decoder_weights(const Napi::CallbackInfo& info);
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

/// The classes of bases and models, which are not exported: only an engine makes them.
void define_handles(Napi::Env env);

/// The value that JavaScript holds of a native object.
template <typename T>
Napi::Value wrap(Napi::Env env, Napi::FunctionReference& constructor, std::shared_ptr<const T> native) {
  return constructor.New({Napi::External<std::shared_ptr<const T>>::New(env, &native)});
}

/// The handle that JavaScript hands over. Throws kInvalidArgument when it is something else.
template <typename Handle>
Handle* unwrap(const Napi::Value& value, const Napi::FunctionReference& constructor, const std::string& field) {
  const auto object = read_object(value, field);
  if (!object.InstanceOf(constructor.Value())) {
    throw Error(ErrorCode::kInvalidArgument, field + " is not a handle of this addon", field);
  }
  return Handle::Unwrap(object);
}

}  // namespace automed::binding
