#pragma once

#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "core/error.h"
#include "core/serial_thread.h"
#include "core/translate.h"

namespace automed::binding {

/// What the addon keeps for one JavaScript environment. Lives as long as the environment.
struct AddonData {
  Napi::ThreadSafeFunction to_js;  ///< carries settlements to the JS thread; referenced only while promises are pending
  std::size_t pending = 0;         ///< promises not yet settled; touched on the JS thread only
  Napi::FunctionReference base_class;
  Napi::FunctionReference model_class;
  Napi::FunctionReference trainer_class;
  std::vector<std::function<void()>> stoppers;  ///< end the threads of what this environment made
  std::unique_ptr<SerialThread>
      loader;  ///< reads weights, so that neither the JS thread nor the engine waits for a disk

  SerialThread& loader_thread();
  /// Ends every thread at JavaScript's `exit` event: LibTorch's static objects go while `exit()` runs, and a thread
  /// that still computes then crashes the process.
  void stop_threads();
  static AddonData& of(Napi::Env env);
};

/// The native end of a promise: settled exactly once, from any thread. When the last copy goes without having settled
/// it, the promise is rejected as INTERNAL, so that no caller waits for ever.
class Completion {
 public:
  /// Makes the value on the JS thread.
  using MakeValue = std::function<Napi::Value(Napi::Env)>;

  /// `pins`: JavaScript objects whose memory the work reads; held until the promise is settled.
  static Completion start(Napi::Env env, const std::vector<Napi::Object>& pins = {});

  Napi::Promise promise() const;  ///< on the JS thread only
  void resolve(MakeValue make) const;
  void reject(Error error) const;

  /// Runs `work` and settles with what it returns or throws.
  void settle_with(const std::function<MakeValue()>& work) const;

 private:
  struct Ticket;
  struct State;
  std::shared_ptr<State> state_;
};

/// The JavaScript error of a native one: message, `code`, `field`, `retryAfterMs` (null when absent).
Napi::Error to_js_error(Napi::Env env, const Error& error);

/// Runs a synchronous entry point: a native exception becomes a JavaScript one.
template <typename Work>
auto guarded(Napi::Env env, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw to_js_error(env, current_error());
  }
}

}  // namespace automed::binding
