#include "binding/import_binding.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "binding/completion.h"
#include "binding/convert.h"
#include "binding/results.h"
#include "models/import_weights.h"

namespace automed::binding {
namespace {

using models::ImportReport;
using Conversion = ImportReport::Conversion;

Napi::Value conversion_to_js(Napi::Env env, const Conversion& conversion) {
  static const PropertyTable<Conversion> kTable = {
      {"name", member(&Conversion::name)}, {"from", member(&Conversion::from)}, {"to", member(&Conversion::to)}};
  return to_object(env, conversion, kTable);
}

Napi::Value conversions_of(Napi::Env env, const ImportReport& report) {
  auto array = Napi::Array::New(env, report.converted.size());
  for (std::uint32_t i = 0; i < report.converted.size(); ++i) array.Set(i, conversion_to_js(env, report.converted[i]));
  return array;
}

/// ImportReport of native/lib/types.
Napi::Value report_to_js(Napi::Env env, const ImportReport& report) {
  static const PropertyTable<ImportReport> kTable = {
      {"format", member(&ImportReport::format)},    {"prefix", member(&ImportReport::prefix)},
      {"tensors", member(&ImportReport::tensors)},  {"parameters", member(&ImportReport::parameters)},
      {"bytes", member(&ImportReport::bytes)},      {"converted", conversions_of},
      {"leftOut", member(&ImportReport::left_out)}, {"untrained", member(&ImportReport::untrained)}};
  return to_object(env, report, kTable);
}

Napi::Value import_on_loader(Napi::Env env, std::function<models::ImportReport()> import) {
  const auto completion = Completion::start(env);
  const auto promise = completion.promise();
  AddonData::of(env).loader_thread().post([completion, import = std::move(import)] {
    completion.settle_with([&]() -> Completion::MakeValue {
      return [report = import()](Napi::Env js) { return report_to_js(js, report); };
    });
  });
  return promise;
}

}  // namespace

Napi::Value import_base(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto source = read_string(info[0], "sourcePath");
    const auto config = models::parse_sam_config(read_string(info[1], "architecture"));
    models::BaseImportOptions options;
    options.resize_positions = read_boolean(info[2], "resizePositions");
    if (!info[3].IsNull()) {
      options.adapter_seed = static_cast<std::uint64_t>(read_integer(info[3], "adapterSeed", 0, kMaxSafeInteger));
    }
    const auto weights = read_string(info[4], "weightsPath");
    return import_on_loader(info.Env(), [=] { return models::import_base(source, config, options, weights); });
  });
}

Napi::Value import_mobilenet(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto source = read_string(info[0], "sourcePath");
    const bool improved = read_boolean(info[1], "improvedSe");
    const auto seed = static_cast<std::uint64_t>(read_integer(info[2], "seed", 0, kMaxSafeInteger));
    const auto weights = read_string(info[3], "weightsPath");
    return import_on_loader(info.Env(), [=] { return models::import_mobilenet(source, improved, seed, weights); });
  });
}

Napi::Value import_hardnet(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto source = read_string(info[0], "sourcePath");
    const auto weights = read_string(info[1], "weightsPath");
    return import_on_loader(info.Env(), [=] { return models::import_hardnet(source, weights); });
  });
}

}  // namespace automed::binding
