#include "binding/handles.h"

#include "binding/completion.h"
#include "core/device.h"

namespace automed::binding {
namespace {

/// Takes the native object out of the External that only this file makes.
template <typename T>
std::shared_ptr<const T> take_external(const Napi::CallbackInfo& info) {
  if (info.Length() != 1 || !info[0].IsExternal()) {
    throw to_js_error(info.Env(), {ErrorCode::kIllegalState, "this class is made by Engine only"});
  }
  return *info[0].As<Napi::External<std::shared_ptr<const T>>>().Data();
}

}  // namespace

CancelToken::CancelToken(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CancelToken>(info) {}

void CancelToken::cancel(const Napi::CallbackInfo&) {
  flag_->store(true);
}

Napi::Function CancelToken::define(Napi::Env env) {
  return DefineClass(env, "CancelToken", {InstanceMethod<&CancelToken::cancel>("cancel")});
}

BaseHandle::BaseHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<BaseHandle>(info), base_(take_external<pipeline::LoadedBase>(info)) {}

std::shared_ptr<const pipeline::LoadedBase> BaseHandle::get() const {
  if (!base_) throw Error(ErrorCode::kIllegalState, "the base has been disposed of");
  return base_;
}

Napi::Value BaseHandle::device(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::String::New(info.Env(), get()->device().str()); });
}

Napi::Value BaseHandle::precision(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::String::New(info.Env(), precision_name(get()->precision())); });
}

Napi::Value BaseHandle::parameter_count(const Napi::CallbackInfo& info) {
  return guarded(info.Env(),
                 [&] { return Napi::Number::New(info.Env(), static_cast<double>(get()->parameter_count())); });
}

Napi::Value BaseHandle::decoder_weights(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    const auto base = get();
    const auto& weights = base->decoder_weights();
    auto array = Napi::Array::New(env, weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const auto& [name, values] = weights[i];
      auto shape = Napi::Array::New(env, static_cast<std::size_t>(values.dim()));
      for (std::uint32_t axis = 0; axis < shape.Length(); ++axis) {
        shape.Set(axis, static_cast<double>(values.size(axis)));
      }
      auto item = Napi::Object::New(env);
      item.Set("name", name);
      item.Set("shape", shape);
      item.Set("data", to_buffer(env, values.view(torch::kUInt8)));
      array.Set(static_cast<std::uint32_t>(i), item);
    }
    return array;
  });
}

void BaseHandle::dispose(const Napi::CallbackInfo&) {
  base_.reset();
}

Napi::Function BaseHandle::define(Napi::Env env) {
  return DefineClass(
      env, "Base",
      {InstanceAccessor<&BaseHandle::device>("device"), InstanceAccessor<&BaseHandle::precision>("precision"),
       InstanceAccessor<&BaseHandle::parameter_count>("parameterCount"),
       InstanceMethod<&BaseHandle::decoder_weights>("decoderWeights"),
       InstanceMethod<&BaseHandle::dispose>("dispose")});
}

ModelHandle::ModelHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ModelHandle>(info), model_(take_external<pipeline::LoadedModel>(info)) {}

std::shared_ptr<const pipeline::LoadedModel> ModelHandle::get() const {
  if (!model_) throw Error(ErrorCode::kIllegalState, "the model has been disposed of");
  return model_;
}

Napi::Value ModelHandle::task(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::String::New(info.Env(), name_of(get()->task())); });
}

Napi::Value ModelHandle::parameter_count(const Napi::CallbackInfo& info) {
  return guarded(info.Env(),
                 [&] { return Napi::Number::New(info.Env(), static_cast<double>(get()->parameter_count())); });
}

void ModelHandle::dispose(const Napi::CallbackInfo&) {
  model_.reset();
}

Napi::Function ModelHandle::define(Napi::Env env) {
  return DefineClass(
      env, "Model",
      {InstanceAccessor<&ModelHandle::task>("task"), InstanceAccessor<&ModelHandle::parameter_count>("parameterCount"),
       InstanceMethod<&ModelHandle::dispose>("dispose")});
}

void define_handles(Napi::Env env) {
  auto& data = AddonData::of(env);
  data.base_class = Napi::Persistent(BaseHandle::define(env));
  data.model_class = Napi::Persistent(ModelHandle::define(env));
}

}  // namespace automed::binding
