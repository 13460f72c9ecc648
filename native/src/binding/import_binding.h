#pragma once

#include <napi.h>

namespace automed::binding {

// Of NativeAddon (native/lib/native.ts), on the loader's thread.

Napi::Value import_base(const Napi::CallbackInfo& info);
Napi::Value import_mobilenet(const Napi::CallbackInfo& info);
Napi::Value import_hardnet(const Napi::CallbackInfo& info);

}  // namespace automed::binding
