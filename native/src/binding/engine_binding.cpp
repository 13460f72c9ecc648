#include "binding/engine_binding.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <string>
#include <utility>

#include "binding/completion.h"
#include "binding/convert.h"
#include "binding/job_binding.h"
#include "core/device.h"

namespace automed::binding {
namespace {

constexpr std::int64_t kMaxQueue = 1 << 20;
constexpr std::int64_t kMaxWaitMs = 60'000;
constexpr std::int64_t kMaxPriority = 1000;
constexpr std::int64_t kMaxCacheBytes = std::int64_t{1} << 50;
constexpr std::int64_t kMaxTtlMs = 1000LL * 3600 * 24 * 365;

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
  native.cache.max_bytes = static_cast<std::size_t>(
      read_integer(options.Get("embeddingCacheBytes"), "embeddingCacheBytes", 0, kMaxCacheBytes));
  native.cache.time_to_live =
      std::chrono::milliseconds(read_integer(options.Get("embeddingTtlMs"), "embeddingTtlMs", 1, kMaxTtlMs));
  return native;
}

void settle(const Completion& completion, pipeline::Result result) {
  if (auto* error = std::get_if<Error>(&result)) {
    completion.reject(std::move(*error));
    return;
  }
  completion.resolve([result = std::move(result)](Napi::Env env) { return to_js(env, result); });
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
    const auto preprocessing = read_optional_string(info[3], "preprocessing");
    const auto completion = Completion::start(env);
    const auto promise = completion.promise();
    data.loader_thread().post([completion, base = std::move(base), path, architecture, preprocessing] {
      completion.settle_with([&]() -> Completion::MakeValue {
        auto model = pipeline::LoadedModel::load(base, path, architecture, preprocessing);
        return [model](Napi::Env js) { return wrap(js, AddonData::of(js).model_class, model); };
      });
    });
    return promise;
  });
}

Napi::Value EngineHandle::run_heads(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    if (!info[0].IsArray()) throw Error(ErrorCode::kInvalidArgument, "heads must be an array", "heads");
    const auto list = info[0].As<Napi::Array>();
    pipeline::HeadsJob job;
    for (std::uint32_t i = 0; i < list.Length(); ++i) {
      const auto item = read_object(list.Get(i), "heads");
      const auto& constructor = AddonData::of(info.Env()).model_class;
      pipeline::HeadRun head;
      head.model = unwrap<ModelHandle>(item.Get("model"), constructor, "model")->get();
      head.task = read_task(item.Get("task"));
      if (head.task == pipeline::Task::kSegmentation) head.threshold = read_number(item.Get("threshold"), "threshold");
      job.heads.push_back(std::move(head));
    }
    return submit(info.Env(), std::move(job), info[1], info[2]);
  });
}

Napi::Value EngineHandle::encode(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto base = unwrap<BaseHandle>(info[0], AddonData::of(info.Env()).base_class, "base")->get();
    return submit(info.Env(), pipeline::EncodeJob{std::move(base)}, info[1], info[2]);
  });
}

Napi::Value EngineHandle::predict_masks(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    pipeline::PromptJob job;
    job.base = unwrap<BaseHandle>(info[0], AddonData::of(info.Env()).base_class, "base")->get();
    const auto prompts = read_object(info[2], "prompts");
    job.prompts = read_prompts(prompts);
    job.threshold = read_number(prompts.Get("threshold"), "threshold");
    return submit(info.Env(), std::move(job), info[1], info[3]);
  });
}

Napi::Value EngineHandle::find_everything(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    pipeline::EverythingJob job;
    job.base = unwrap<BaseHandle>(info[0], AddonData::of(info.Env()).base_class, "base")->get();
    job.options = read_everything_options(read_object(info[2], "everything"));
    return submit(info.Env(), std::move(job), info[1], info[3]);
  });
}

Napi::Value EngineHandle::submit(Napi::Env env, pipeline::Job job, const Napi::Value& pixels,
                                 const Napi::Value& options_value) {
  const auto options = read_object(options_value, "options");
  pipeline::Request request{.job = std::move(job)};
  std::vector<Napi::Object> pins;
  if (!pixels.IsNull()) {
    const auto object = read_object(pixels, "pixels");
    const auto data = read_object(object.Get("data"), "pixels.data");
    request.image.pixels = read_pixels(object, data);
    pins.push_back(data);
  }
  request.image.embedding_key = read_optional_string(options.Get("embeddingKey"), "embeddingKey").value_or("");
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
  const auto completion = Completion::start(env, pins);
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
  object.Set("cachedEmbeddings", static_cast<double>(stats.cache.entries));
  object.Set("cachedBytes", static_cast<double>(stats.cache.bytes));
  object.Set("cacheHits", static_cast<double>(stats.cache.hits));
  object.Set("cacheMisses", static_cast<double>(stats.cache.misses));
  object.Set("cacheEvictions", static_cast<double>(stats.cache.evicted));
  object.Set("cacheExpirations", static_cast<double>(stats.cache.expired));
  object.Set("deviceAllocatedBytes", info.Env().Null());
  object.Set("deviceReservedBytes", info.Env().Null());
  if (const auto memory = device_memory(device_)) {
    object.Set("deviceAllocatedBytes", static_cast<double>(memory->allocated));
    object.Set("deviceReservedBytes", static_cast<double>(memory->reserved));
  }
  return object;
}

Napi::Value EngineHandle::trim_memory(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto completion = Completion::start(env);
    const auto promise = completion.promise();
    // Behind what is being loaded, and not on the JavaScript thread: it walks every arena.
    AddonData::of(env).loader_thread().post([completion] {
      completion.settle_with([]() -> Completion::MakeValue {
#ifdef __GLIBC__
        malloc_trim(0);
#endif
        return [](Napi::Env js) { return js.Undefined(); };
      });
    });
    return promise;
  });
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
       InstanceMethod<&EngineHandle::run_heads>("runHeads"), InstanceMethod<&EngineHandle::encode>("encode"),
       InstanceMethod<&EngineHandle::predict_masks>("predictMasks"),
       InstanceMethod<&EngineHandle::find_everything>("findEverything"), InstanceMethod<&EngineHandle::stats>("stats"),
       InstanceMethod<&EngineHandle::trim_memory>("trimMemory"), InstanceMethod<&EngineHandle::close>("close")});
}

}  // namespace automed::binding
