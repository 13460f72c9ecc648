#include "binding/engine_binding.h"

#include <string>
#include <utility>

#include "binding/completion.h"
#include "binding/convert.h"
#include "binding/engine_options.h"
#include "binding/handles.h"
#include "binding/job_binding.h"
#include "core/device.h"
#include "core/memory.h"

namespace automed::binding {
namespace {

constexpr std::int64_t kMostClasses = 1 << 20;  // the model knows its own

void settle(const Completion& completion, pipeline::Result result) {
  if (auto* error = std::get_if<Error>(&result)) {
    completion.reject(std::move(*error));
    return;
  }
  completion.resolve([result = std::move(result)](Napi::Env env) { return to_js(env, result); });
}

}  // namespace

EngineHandle::EngineHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineHandle>(info) {
  guarded(info.Env(), [&] {
    const auto settings = read_engine_settings(read_object(info[0], "options"));
    device_ = settings.device;
    encoder_weights_ = settings.encoder_weights;
    engine_ = std::make_shared<pipeline::Engine>(settings.engine);
    AddonData::of(info.Env()).stoppers.emplace_back([weak = std::weak_ptr(engine_)] {
      if (const auto engine = weak.lock()) engine->close();
    });
  });
}

Napi::Value EngineHandle::load_base(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto path = read_string(info[0], "weightsPath");
    const auto architecture = read_string(info[1], "architecture");
    const auto named = read_optional_string(info[2], "precision");
    const auto precision = named ? parse_precision(*named, device_) : torch::kFloat32;
    const auto completion = Completion::start(env);
    const auto promise = completion.promise();
    AddonData::of(env).loader_thread().post(
        [completion, path, architecture, device = device_, weights = encoder_weights_, precision] {
          completion.settle_with([&]() -> Completion::MakeValue {
            auto base = pipeline::LoadedBase::load(path, architecture, device, weights, precision);
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
      head.task = read_task(item.Get("task"), "task");
      if (head.task == pipeline::Task::kSegmentation) head.threshold = read_number(item.Get("threshold"), "threshold");
      head.probabilities = read_boolean(item.Get("probabilities"), "probabilities");
      head.saliency = read_boolean(item.Get("saliency"), "saliency");
      const auto saliency_class = item.Get("saliencyClass");
      if (!saliency_class.IsNull()) {
        head.saliency_class = read_integer(saliency_class, "saliency_class", 0, kMostClasses);
      }
      job.heads.push_back(std::move(head));
    }
    return submit(info.Env(), std::move(job), info[1], info[2]);
  });
}

Napi::Value EngineHandle::encode(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto base = unwrap<BaseHandle>(info[0], AddonData::of(info.Env()).base_class, "base")->get();
    const bool return_features = read_boolean(info[3], "returnEmbedding");
    return submit(info.Env(), pipeline::EncodeJob{std::move(base), return_features}, info[1], info[2]);
  });
}

Napi::Value EngineHandle::predict_masks(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto job = read_prompt_job(read_object(info[2], "prompts"));
    job.base = unwrap<BaseHandle>(info[0], AddonData::of(info.Env()).base_class, "base")->get();
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
  auto request = read_request(read_object(options_value, "options"));
  request.job = std::move(job);
  std::vector<Napi::Object> pins;
  if (!pixels.IsNull()) {
    const auto object = read_object(pixels, "pixels");
    const auto data = read_object(object.Get("data"), "pixels.data");
    request.image.pixels = read_pixels(object, data);
    pins.push_back(data);
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
  return stats_to_js(info.Env(), {.engine = engine_->stats(), .device = device_memory(device_)});
}

Napi::Value EngineHandle::trim_memory(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto completion = Completion::start(env);
    const auto promise = completion.promise();
    // Behind what is being loaded, and not on the JavaScript thread: it walks every arena.
    AddonData::of(env).loader_thread().post([completion] {
      completion.settle_with([]() -> Completion::MakeValue {
        trim_memory_of_process();
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
