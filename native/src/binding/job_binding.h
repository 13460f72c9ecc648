#pragma once

#include <napi.h>

#include <string>

#include "pipeline/job.h"

namespace automed::binding {

/// `segmentation` or `classification`.
pipeline::Task read_task(const Napi::Value& value, const std::string& field);
/// RawPrompts of native/lib/native.ts; the base is added by the caller.
pipeline::PromptJob read_prompt_job(const Napi::Object& prompts);
/// RawEverythingOptions.
pipeline::EverythingOptions read_everything_options(const Napi::Object& options);

/// What native/lib/native.ts calls RawHeadsResult, RawEncodeResult, RawPromptResult, RawEverythingResult. The result is
/// not an Error.
Napi::Value to_js(Napi::Env env, const pipeline::Result& result);

}  // namespace automed::binding
