#pragma once

#include <napi.h>

namespace automed::binding {

// The functions of NativeAddon (native/lib/native.ts) that belong to no class.

Napi::Value build_info(const Napi::CallbackInfo& info);
Napi::Value init_base(const Napi::CallbackInfo& info);
/// Synchronous: it reads and writes a few hundred bytes of text.
Napi::Value head_architecture(const Napi::CallbackInfo& info);

}  // namespace automed::binding
