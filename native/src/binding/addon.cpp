// The addon's exports, in the order of native/lib/native.ts.

#include <napi.h>

#include "binding/addon_data.h"
#include "binding/engine_binding.h"
#include "binding/functions.h"
#include "binding/handles.h"
#include "binding/import_binding.h"
#include "binding/trainer_binding.h"
#include "core/vector_math.h"

static Napi::Object init_addon(Napi::Env env, Napi::Object exports) {
  using namespace automed::binding;
  automed::resolve_vector_math();
  AddonData::install(env);
  define_handles(env);
  exports.Set("buildInfo", Napi::Function::New(env, build_info));
  exports.Set("Engine", EngineHandle::define(env));
  exports.Set("CancelToken", CancelToken::define(env));
  exports.Set("Trainer", TrainerHandle::define(env));
  exports.Set("initBase", Napi::Function::New(env, init_base));
  exports.Set("importBase", Napi::Function::New(env, import_base));
  exports.Set("importMobileNet", Napi::Function::New(env, import_mobilenet));
  exports.Set("importHarDNet", Napi::Function::New(env, import_hardnet));
  exports.Set("headArchitecture", Napi::Function::New(env, head_architecture));
  return exports;
}
NODE_API_MODULE(automed, init_addon)
