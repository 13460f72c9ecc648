#pragma once

#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "binding/addon_data.h"
#include "core/error.h"
#include "core/translate.h"

namespace automed::binding {

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
