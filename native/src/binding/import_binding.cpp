#include "binding/import_binding.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "binding/completion.h"
#include "binding/convert.h"
#include "models/import_weights.h"

namespace automed::binding {
namespace {

Napi::Array to_array(Napi::Env env, const std::vector<std::string>& texts) {
  auto array = Napi::Array::New(env, texts.size());
  for (std::uint32_t i = 0; i < texts.size(); ++i) array.Set(i, texts[i]);
  return array;
}

Napi::Array to_array(Napi::Env env, const std::vector<std::int64_t>& numbers) {
  auto array = Napi::Array::New(env, numbers.size());
  for (std::uint32_t i = 0; i < numbers.size(); ++i) array.Set(i, static_cast<double>(numbers[i]));
  return array;
}

/// RawImportReport of native/lib/native.ts.
Napi::Value to_object(Napi::Env env, const models::ImportReport& report) {
  auto converted = Napi::Array::New(env, report.converted.size());
  for (std::uint32_t i = 0; i < report.converted.size(); ++i) {
    auto item = Napi::Object::New(env);
    item.Set("name", report.converted[i].name);
    item.Set("from", to_array(env, report.converted[i].from));
    item.Set("to", to_array(env, report.converted[i].to));
    converted.Set(i, item);
  }
  auto object = Napi::Object::New(env);
  object.Set("format", report.format);
  object.Set("prefix", report.prefix);
  object.Set("tensors", static_cast<double>(report.tensors));
  object.Set("parameters", static_cast<double>(report.parameters));
  object.Set("bytes", static_cast<double>(report.bytes));
  object.Set("converted", converted);
  object.Set("leftOut", to_array(env, report.left_out));
  object.Set("untrained", to_array(env, report.untrained));
  return object;
}

Napi::Value import_on_loader(Napi::Env env, std::function<models::ImportReport()> import) {
  const auto completion = Completion::start(env);
  const auto promise = completion.promise();
  AddonData::of(env).loader_thread().post([completion, import = std::move(import)] {
    completion.settle_with(
        [&]() -> Completion::MakeValue { return [report = import()](Napi::Env js) { return to_object(js, report); }; });
  });
  return promise;
}

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

}  // namespace

void define_imports(Napi::Env env, Napi::Object exports) {
  exports.Set("importBase", Napi::Function::New(env, import_base));
  exports.Set("importMobileNet", Napi::Function::New(env, import_mobilenet));
  exports.Set("importHarDNet", Napi::Function::New(env, import_hardnet));
}

}  // namespace automed::binding
