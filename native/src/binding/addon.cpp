// The addon's exports, in the order of native/lib/native.ts.

#include <napi.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <string>
#include <thread>

#include "binding/completion.h"
#include "binding/convert.h"
#include "binding/engine_binding.h"
#include "binding/import_binding.h"
#include "binding/trainer_binding.h"
#include "core/checkpoint.h"
#include "core/vector_math.h"
#include "models/head.h"
#include "models/sam.h"
#include "train/collective.h"

namespace automed::binding {
namespace {

Napi::Value build_info(const Napi::CallbackInfo& info) {
  auto object = Napi::Object::New(info.Env());
  object.Set("libtorch", TORCH_VERSION);
  object.Set("cudaCompiled", static_cast<bool>(AUTOMED_CUDA));
  object.Set("collectivesCompiled", train::collectives_compiled());
  object.Set("cudaAvailable", torch::cuda::is_available());
  object.Set("hardwareThreads", static_cast<double>(std::thread::hardware_concurrency()));
  return object;
}

Napi::Value init_base(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto architecture = read_string(info[0], "architecture");
    const auto seed = read_integer(info[1], "seed", 0, (std::int64_t{1} << 53) - 1);
    const auto path = read_string(info[2], "weightsPath");
    const auto completion = Completion::start(env);
    const auto promise = completion.promise();
    AddonData::of(env).loader_thread().post([completion, architecture, seed, path] {
      completion.settle_with([&]() -> Completion::MakeValue {
        torch::manual_seed(static_cast<std::uint64_t>(seed));
        const models::Sam sam(models::parse_sam_config(architecture));
        save_safetensors(path, state_dict(*sam));
        const auto count = static_cast<double>(pipeline::count_parameters(*sam));
        return [count](Napi::Env js) { return Napi::Number::New(js, count); };
      });
    });
    return promise;
  });
}

/// Synchronous: it reads and writes a few hundred bytes of text.
Napi::Value head_architecture(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto system = read_string(info[0], "system");
    const auto base = models::parse_sam_config(read_string(info[1], "baseArchitecture"));
    const auto classes = read_integer(info[2], "classes", 0, 10000);
    return Napi::String::New(info.Env(), models::to_json(models::named_head_config(system, base, classes)));
  });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  resolve_vector_math();
  auto* data = new AddonData;
  env.SetInstanceData(data);
  const auto nothing = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  data->to_js = Napi::ThreadSafeFunction::New(env, nothing, "automed", /*maxQueueSize=*/0, /*initialThreadCount=*/1);
  data->to_js.Unref(env);
  data->base_class = Napi::Persistent(BaseHandle::define(env));
  data->model_class = Napi::Persistent(ModelHandle::define(env));
  const auto trainer = TrainerHandle::define(env);
  data->trainer_class = Napi::Persistent(trainer);

  const auto process = env.Global().Get("process").As<Napi::Object>();
  const auto on_exit = Napi::Function::New(env, [data](const Napi::CallbackInfo&) { data->stop_threads(); });
  process.Get("once").As<Napi::Function>().Call(process, {Napi::String::New(env, "exit"), on_exit});

  exports.Set("buildInfo", Napi::Function::New(env, build_info));
  exports.Set("Engine", EngineHandle::define(env));
  exports.Set("CancelToken", CancelToken::define(env));
  exports.Set("Trainer", trainer);
  exports.Set("initBase", Napi::Function::New(env, init_base));
  define_imports(env, exports);
  exports.Set("headArchitecture", Napi::Function::New(env, head_architecture));
  return exports;
}

}  // namespace
}  // namespace automed::binding

static Napi::Object init_addon(Napi::Env env, Napi::Object exports) {
  return automed::binding::init(env, exports);
}
NODE_API_MODULE(automed, init_addon)
