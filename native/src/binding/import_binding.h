#pragma once

#include <napi.h>

namespace automed::binding {

/// importBase, importMobileNet and importHarDNet of native/lib/native.ts, on the loader's thread.
void define_imports(Napi::Env env, Napi::Object exports);

}  // namespace automed::binding
