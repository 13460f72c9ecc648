#include "binding/addon_data.h"

#include <thread>

namespace automed::binding {

SerialThread& AddonData::loader_thread() {
  // Two share what packing takes; more would take cores from models that answer.
  static const int kThreads = std::thread::hardware_concurrency() > 1 ? 2 : 1;
  if (!loader) loader = std::make_unique<SerialThread>(kThreads);
  return *loader;
}

void AddonData::stop_threads() {
  for (const auto& stop : stoppers) stop();
  stoppers.clear();
  if (loader) loader->stop();
}

void AddonData::install(Napi::Env env) {
  auto* data = new AddonData;  // the environment deletes it
  env.SetInstanceData(data);
  const auto nothing = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  data->to_js = Napi::ThreadSafeFunction::New(env, nothing, "automed", /*maxQueueSize=*/0, /*initialThreadCount=*/1);
  data->to_js.Unref(env);
  const auto process = env.Global().Get("process").As<Napi::Object>();
  const auto on_exit = Napi::Function::New(env, [data](const Napi::CallbackInfo&) { data->stop_threads(); });
  process.Get("once").As<Napi::Function>().Call(process, {Napi::String::New(env, "exit"), on_exit});
}

AddonData& AddonData::of(Napi::Env env) {
  return *env.GetInstanceData<AddonData>();
}

}  // namespace automed::binding
