#include "binding/completion.h"

#include <string>
#include <utility>

namespace automed::binding {

struct Completion::Ticket {
  Napi::Promise::Deferred deferred;
  std::vector<Napi::ObjectReference> pins;
};

struct Completion::State {
  State(std::unique_ptr<Ticket> owed, const Napi::ThreadSafeFunction& function, const Napi::Promise& given)
      : ticket(owed.release()), to_js(function), promise(given) {}

  std::atomic<Ticket*> ticket;
  Napi::ThreadSafeFunction to_js;
  Napi::Promise promise;  // read on the JS thread only, before anything can settle it

  using Settle = std::function<void(Napi::Env, const Napi::Promise::Deferred&)>;

  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (ticket.load() == nullptr) return;
    try {
      post([](Napi::Env env, const auto& deferred) {
        deferred.Reject(to_js_error(env, {ErrorCode::kInternal, "the work ended without a result"}).Value());
      });
    } catch (...) {
      // No memory is left even to say so, and an exception from a destructor would end the process.
    }
  }

  void post(Settle settle) {
    struct Settlement {
      std::unique_ptr<Ticket> ticket;
      Settle settle;
    };
    std::unique_ptr<Ticket> owned(ticket.exchange(nullptr));
    if (!owned) return;
    auto* settlement = new Settlement{std::move(owned), std::move(settle)};
    const auto deliver = [](Napi::Env env, Napi::Function, Settlement* raw) {
      if (env == nullptr) return;  // the environment is going: its references must not be touched any more
      const std::unique_ptr<Settlement> held(raw);
      const Napi::HandleScope scope(env);
      held->settle(env, held->ticket->deferred);
      auto& data = AddonData::of(env);
      if (--data.pending == 0) data.to_js.Unref(env);
    };
    // Refused only when the environment is going: what the settlement holds then belongs to a thread that is gone.
    (void)to_js.NonBlockingCall(settlement, deliver);
  }
};

Completion Completion::start(Napi::Env env, const std::vector<Napi::Object>& pins) {
  auto& data = AddonData::of(env);
  auto ticket = std::make_unique<Ticket>(Ticket{Napi::Promise::Deferred::New(env), {}});
  for (const auto& pin : pins) ticket->pins.push_back(Napi::Persistent(pin));
  if (data.pending++ == 0) data.to_js.Ref(env);
  Completion completion;
  const auto promise = ticket->deferred.Promise();
  completion.state_ = std::make_shared<State>(std::move(ticket), data.to_js, promise);
  return completion;
}

Napi::Promise Completion::promise() const {
  return state_->promise;
}

void Completion::resolve(MakeValue make) const {
  state_->post([make = std::move(make)](Napi::Env env, const Napi::Promise::Deferred& deferred) {
    try {
      deferred.Resolve(make(env));
    } catch (const Napi::Error& error) {
      deferred.Reject(error.Value());
    } catch (...) {
      deferred.Reject(to_js_error(env, current_error()).Value());
    }
  });
}

void Completion::reject(Error error) const {
  state_->post([error = std::move(error)](Napi::Env env, const Napi::Promise::Deferred& deferred) {
    deferred.Reject(to_js_error(env, error).Value());
  });
}

void Completion::settle_with(const std::function<MakeValue()>& work) const {
  try {
    resolve(work());
  } catch (...) {
    reject(current_error());
  }
}

Napi::Error to_js_error(Napi::Env env, const Error& error) {
  auto js = Napi::Error::New(env, error.what());
  auto object = js.Value();
  object.Set("code", Napi::String::New(env, std::string(name_of(error.code()))));
  object.Set("field", error.field() ? Napi::String::New(env, *error.field()) : env.Null());
  object.Set("retryAfterMs",
             error.retry_after_ms()
                 ? Napi::Number::New(env, static_cast<double>(*error.retry_after_ms())).As<Napi::Value>()
                 : env.Null());
  return js;
}

}  // namespace automed::binding
