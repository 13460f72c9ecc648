#pragma once

#include <napi.h>

#include "pipeline/job.h"

namespace automed::binding {

/// `segmentation` or `classification`.
pipeline::Task read_task(const Napi::Value& value);
/// RawPrompts of native/lib/native.ts, without its threshold.
pipeline::Prompts read_prompts(const Napi::Object& prompts);
/// RawEverythingOptions.
pipeline::EverythingOptions read_everything_options(const Napi::Object& options);

/// What native/lib/native.ts calls RawHeadsResult, RawEncodeResult, RawPromptResult, RawEverythingResult. The result is
/// not an Error.
Napi::Value to_js(Napi::Env env, const pipeline::Result& result);

}  // namespace automed::binding
