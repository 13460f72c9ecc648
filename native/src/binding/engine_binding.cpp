#include "binding/engine_binding.h"

#include <string>
#include <utility>

#include "binding/completion.h"
#include "binding/convert.h"
#include "core/device.h"

namespace automed::binding {
namespace {

constexpr std::int64_t kMaxQueue = 1 << 20;
constexpr std::int64_t kMaxWaitMs = 60'000;
constexpr std::int64_t kMaxPriority = 1000;

/// Takes the native object out of the External that only this file makes.
template <typename T>
std::shared_ptr<const T> take_external(const Napi::CallbackInfo& info) {
  if (info.Length() != 1 || !info[0].IsExternal()) {
    throw to_js_error(info.Env(), {ErrorCode::kIllegalState, "this class is made by Engine only"});
  }
  return *info[0].As<Napi::External<std::shared_ptr<const T>>>().Data();
}

template <typename T>
Napi::Value wrap(Napi::Env env, Napi::FunctionReference& constructor, std::shared_ptr<const T> native) {
  return constructor.New({Napi::External<std::shared_ptr<const T>>::New(env, &native)});
}

template <typename Handle>
Handle* unwrap(const Napi::Value& value, const Napi::FunctionReference& constructor, const std::string& field) {
  const auto object = read_object(value, field);
  if (!object.InstanceOf(constructor.Value())) {
    throw Error(ErrorCode::kInvalidArgument, field + " is not a handle of this addon", field);
  }
  return Handle::Unwrap(object);
}

pipeline::EngineOptions read_engine_options(const Napi::Object& options) {
  pipeline::EngineOptions native;
  native.workers = static_cast<int>(read_integer(options.Get("workers"), "workers", 1, kMaxThreads));
  native.threads_per_worker =
      static_cast<int>(read_integer(options.Get("threadsPerWorker"), "threadsPerWorker", 1, kMaxThreads));
  native.queue_capacity =
      static_cast<std::size_t>(read_integer(options.Get("queueCapacity"), "queueCapacity", 1, kMaxQueue));
  native.max_batch = static_cast<std::size_t>(read_integer(options.Get("maxBatch"), "maxBatch", 1, kMaxBatch));
  native.max_batch_wait =
      std::chrono::milliseconds(read_integer(options.Get("maxBatchWaitMs"), "maxBatchWaitMs", 0, kMaxWaitMs));
  return native;
}

Napi::Object to_js(Napi::Env env, const pipeline::Timings& timings) {
  auto object = Napi::Object::New(env);
  object.Set("queueMs", timings.queue_ms);
  object.Set("preprocessMs", timings.preprocess_ms);
  object.Set("inferenceMs", timings.inference_ms);
  object.Set("postprocessMs", timings.postprocess_ms);
  object.Set("batchSize", static_cast<double>(timings.batch_size));
  return object;
}

Napi::Value to_js(Napi::Env env, const pipeline::Segmentation& result) {
  auto object = Napi::Object::New(env);
  object.Set("mask", to_buffer(env, result.mask));
  object.Set("width", static_cast<double>(result.mask.size(1)));
  object.Set("height", static_cast<double>(result.mask.size(0)));
  object.Set("areaPx", static_cast<double>(result.area_px));
  if (result.bounding_box) {
    auto box = Napi::Array::New(env, 4);
    for (std::uint32_t i = 0; i < 4; ++i) box.Set(i, static_cast<double>((*result.bounding_box)[i]));
    object.Set("boundingBox", box);
  } else {
    object.Set("boundingBox", env.Null());
  }
  object.Set("meanProbability",
             result.mean_probability ? Napi::Number::New(env, *result.mean_probability).As<Napi::Value>() : env.Null());
  object.Set("timings", to_js(env, result.timings));
  return object;
}

Napi::Value to_js(Napi::Env env, const pipeline::Classification& result) {
  auto object = Napi::Object::New(env);
  object.Set("probabilities", to_float_array(env, result.probabilities));
  object.Set("timings", to_js(env, result.timings));
  return object;
}

void settle(const Completion& completion, pipeline::Result result) {
  if (auto* error = std::get_if<Error>(&result)) {
    completion.reject(std::move(*error));
    return;
  }
  completion.resolve([result = std::move(result)](Napi::Env env) -> Napi::Value {
    if (const auto* segmentation = std::get_if<pipeline::Segmentation>(&result)) return to_js(env, *segmentation);
    return to_js(env, std::get<pipeline::Classification>(result));
  });
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
  return Napi::String::New(info.Env(), precision_name(torch::kFloat32));
}

Napi::Value BaseHandle::parameter_count(const Napi::CallbackInfo& info) {
  return guarded(info.Env(),
                 [&] { return Napi::Number::New(info.Env(), static_cast<double>(get()->parameter_count())); });
}

void BaseHandle::dispose(const Napi::CallbackInfo&) {
  base_.reset();
}

Napi::Function BaseHandle::define(Napi::Env env) {
  return DefineClass(
      env, "Base",
      {InstanceAccessor<&BaseHandle::device>("device"), InstanceAccessor<&BaseHandle::precision>("precision"),
       InstanceAccessor<&BaseHandle::parameter_count>("parameterCount"),
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

EngineHandle::EngineHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineHandle>(info) {
  guarded(info.Env(), [&] {
    const auto options = read_object(info[0], "options");
    device_ = parse_device(read_string(options.Get("device"), "device"));
    engine_ = std::make_shared<pipeline::Engine>(read_engine_options(options));
    AddonData::of(info.Env()).stoppers.push_back([weak = std::weak_ptr(engine_)] {
      if (const auto engine = weak.lock()) engine->close();
    });
  });
}

Napi::Value EngineHandle::load_base(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto path = read_string(info[0], "weightsPath");
    const auto architecture = read_string(info[1], "architecture");
    const auto completion = Completion::start(env);
    const auto promise = completion.promise();
    AddonData::of(env).loader_thread().post([completion, path, architecture, device = device_] {
      completion.settle_with([&]() -> Completion::MakeValue {
        auto base = pipeline::LoadedBase::load(path, architecture, device);
        return [base](Napi::Env js) { return wrap(js, AddonData::of(js).base_class, base); };
      });
    });
    return promise;
  });
}

Napi::Value EngineHandle::load_model(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    auto& data = AddonData::of(env);
    auto base = unwrap<BaseHandle>(info[0], data.base_class, "base")->get();
    const auto path = read_string(info[1], "weightsPath");
    const auto architecture = read_string(info[2], "architecture");
    const auto completion = Completion::start(env);
    const auto promise = completion.promise();
    data.loader_thread().post([completion, base = std::move(base), path, architecture] {
      completion.settle_with([&]() -> Completion::MakeValue {
        auto model = pipeline::LoadedModel::load(base, path, architecture);
        return [model](Napi::Env js) { return wrap(js, AddonData::of(js).model_class, model); };
      });
    });
    return promise;
  });
}

Napi::Value EngineHandle::segment(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    pipeline::Request request;
    request.model = unwrap<ModelHandle>(info[0], AddonData::of(info.Env()).model_class, "model")->get();
    request.task = pipeline::Task::kSegmentation;
    request.threshold = read_number(info[2], "threshold");
    return submit(info.Env(), std::move(request), read_object(info[1], "pixels"), info[3]);
  });
}

Napi::Value EngineHandle::classify(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    pipeline::Request request;
    request.model = unwrap<ModelHandle>(info[0], AddonData::of(info.Env()).model_class, "model")->get();
    request.task = pipeline::Task::kClassification;
    return submit(info.Env(), std::move(request), read_object(info[1], "pixels"), info[2]);
  });
}

Napi::Value EngineHandle::submit(Napi::Env env, pipeline::Request request, const Napi::Object& pixels,
                                 const Napi::Value& options_value) {
  const auto options = read_object(options_value, "options");
  const auto data = read_object(pixels.Get("data"), "pixels.data");
  request.pixels = read_pixels(pixels, data);
  request.priority = static_cast<int>(read_integer(options.Get("priority"), "priority", -kMaxPriority, kMaxPriority));
  if (const auto timeout = options.Get("timeoutMs"); !timeout.IsNull()) {
    const auto wait = std::chrono::duration<double, std::milli>(read_number(timeout, "timeoutMs"));
    constexpr std::chrono::duration<double, std::milli> kYear = std::chrono::hours(24 * 365);
    request.deadline =
        pipeline::Clock::now() + std::chrono::duration_cast<pipeline::Clock::duration>(std::min(wait, kYear));
  }
  if (const auto token = options.Get("cancel"); !token.IsNull()) {
    request.cancelled = CancelToken::Unwrap(read_object(token, "cancel"))->flag();
  }
  const auto completion = Completion::start(env, {data});
  const auto promise = completion.promise();
  request.done = [completion](pipeline::Result result) { settle(completion, std::move(result)); };
  try {
    engine_->submit(std::move(request));
  } catch (...) {
    completion.reject(current_error());
  }
  return promise;
}

Napi::Value EngineHandle::stats(const Napi::CallbackInfo& info) {
  const auto stats = engine_->stats();
  auto object = Napi::Object::New(info.Env());
  object.Set("queuedImages", static_cast<double>(stats.queued_images));
  object.Set("runningImages", static_cast<double>(stats.running_images));
  object.Set("completedRequests", static_cast<double>(stats.completed));
  object.Set("refusedRequests", static_cast<double>(stats.refused));
  object.Set("cancelledRequests", static_cast<double>(stats.cancelled));
  object.Set("expiredRequests", static_cast<double>(stats.expired));
  object.Set("failedRequests", static_cast<double>(stats.failed));
  object.Set("batches", static_cast<double>(stats.batches));
  object.Set("batchedImages", static_cast<double>(stats.batched_images));
  object.Set("encodedImages", static_cast<double>(stats.encoded_images));
  object.Set("imageTimeMs", stats.image_time_ms);
  return object;
}

Napi::Value EngineHandle::close(const Napi::CallbackInfo& info) {
  auto& loader = guarded(info.Env(), [&] { return std::ref(AddonData::of(info.Env()).loader_thread()); }).get();
  const auto completion = Completion::start(info.Env());
  const auto promise = completion.promise();
  // On the loader thread, because joining the workers waits for what they run.
  loader.post([completion, engine = engine_] {
    completion.settle_with([&]() -> Completion::MakeValue {
      engine->close();
      return [](Napi::Env js) { return js.Undefined(); };
    });
  });
  return promise;
}

Napi::Function EngineHandle::define(Napi::Env env) {
  return DefineClass(
      env, "Engine",
      {InstanceMethod<&EngineHandle::load_base>("loadBase"), InstanceMethod<&EngineHandle::load_model>("loadModel"),
       InstanceMethod<&EngineHandle::segment>("segment"), InstanceMethod<&EngineHandle::classify>("classify"),
       InstanceMethod<&EngineHandle::stats>("stats"), InstanceMethod<&EngineHandle::close>("close")});
}

}  // namespace automed::binding
