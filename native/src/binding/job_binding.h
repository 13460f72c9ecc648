#pragma once

#include <napi.h>

#include <string>

#include "pipeline/job.h"

namespace automed::binding {

/// `segmentation` or `classification`.
pipeline::Task read_task(const Napi::Value& value, const std::string& field);
/// Prompts of native/lib/types; the base is added by the caller.
pipeline::PromptJob read_prompt_job(const Napi::Object& prompts);
/// EverythingOptions.
pipeline::EverythingOptions read_everything_options(const Napi::Object& options);

/// RawHeadsResult of native/lib/native.ts; EncodedImage, PromptedMasks, FoundMasks of native/lib/types. The result is
/// not an Error.
Napi::Value to_js(Napi::Env env, const pipeline::Result& result);

}  // namespace automed::binding
