#include "binding/functions.h"

#include <torch/torch.h>
#include <torch/version.h>

#include <string>
#include <thread>

#include "binding/completion.h"
#include "binding/convert.h"
#include "core/device.h"
#include "models/head.h"
#include "pipeline/loaded_model.h"
#include "train/collective.h"

namespace automed::binding {
namespace {

constexpr std::int64_t kMaxClasses = 10'000;

}  // namespace

Napi::Value build_info(const Napi::CallbackInfo& info) {
  auto object = Napi::Object::New(info.Env());
  object.Set("libtorch", TORCH_VERSION);
  object.Set("cudaCompiled", AUTOMED_CUDA != 0);
  object.Set("collectivesCompiled", train::collectives_compiled());
  object.Set("cudaAvailable", torch::cuda::is_available());
  object.Set("cpuComputesInBfloat16", computes_in_bfloat16(torch::kCPU));
  object.Set("hardwareThreads", static_cast<double>(std::thread::hardware_concurrency()));
  return object;
}

Napi::Value init_base(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto architecture = read_string(info[0], "architecture");
    const auto seed = static_cast<std::uint64_t>(read_integer(info[1], "seed", 0, kMaxSafeInteger));
    const auto path = read_string(info[2], "weightsPath");
    const auto completion = Completion::start(env);
    const auto promise = completion.promise();
    AddonData::of(env).loader_thread().post([completion, architecture, seed, path] {
      completion.settle_with([&]() -> Completion::MakeValue {
        const auto count = static_cast<double>(pipeline::init_base(architecture, seed, path));
        return [count](Napi::Env js) { return Napi::Number::New(js, count); };
      });
    });
    return promise;
  });
}

Napi::Value head_architecture(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto system = read_string(info[0], "system");
    const auto base = models::parse_sam_config(read_string(info[1], "baseArchitecture"));
    const auto classes = read_integer(info[2], "classes", 0, kMaxClasses);
    return Napi::String::New(info.Env(), models::to_json(models::named_head_config(system, base, classes)));
  });
}

}  // namespace automed::binding
