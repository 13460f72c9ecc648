#pragma once

#include <napi.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "core/serial_thread.h"

namespace automed::binding {

/// What the addon keeps for one JavaScript environment. Lives as long as the environment.
struct AddonData {
  Napi::ThreadSafeFunction to_js;  ///< carries settlements to the JS thread; referenced only while promises are pending
  std::size_t pending = 0;         ///< promises not yet settled; touched on the JS thread only
  Napi::FunctionReference base_class;
  Napi::FunctionReference model_class;
  Napi::FunctionReference trainer_class;
  std::vector<std::function<void()>> stoppers;  ///< end the threads of what this environment made
  /// Reads weights, so that neither the JS thread nor the engine waits for a disk.
  std::unique_ptr<SerialThread> loader;

  SerialThread& loader_thread();
  /// Ends every thread at JavaScript's `exit` event: LibTorch's static objects go while `exit()` runs, and a thread
  /// that still computes then crashes the process.
  void stop_threads();

  /// Makes the environment's; once, when the addon is loaded.
  static void install(Napi::Env env);
  static AddonData& of(Napi::Env env);
};

}  // namespace automed::binding
