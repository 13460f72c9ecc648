#include "models/preprocessing.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace automed::models {
namespace {

template <typename T>
using Named = std::pair<std::string_view, T>;

// The one table of what manifests and options may say.
constexpr std::array<Named<Fit>, 3> kFits = {
    {{"pad-or-stretch", Fit::kPadOrStretch}, {"longest-side", Fit::kLongestSide}, {"stretch", Fit::kStretch}}};
constexpr std::array<Named<Channels>, 2> kChannels = {{{"rgb", Channels::kRgb}, {"bgr", Channels::kBgr}}};
constexpr std::array<Named<Resize>, 2> kResizes = {{{"bilinear", Resize::kBilinear}, {"nearest", Resize::kNearest}}};

constexpr std::array<Named<Levels>, 2> kLevels = {{{"rounded", Levels::kRounded}, {"exact", Levels::kExact}}};

constexpr std::array<Named<Intensity::Policy>, 4> kPolicies = {{{"full", Intensity::Policy::kFull},
                                                                {"dtype", Intensity::Policy::kDtype},
                                                                {"percentile", Intensity::Policy::kPercentile},
                                                                {"window", Intensity::Policy::kWindow}}};

constexpr double kMaxValue = 1e9;  // of a window's ends, as of float samples
constexpr std::array<std::string_view, 5> kFields = {"fit", "channels", "resize", "intensity", "levels"};

[[noreturn]] void refuse(const std::string& field, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "the preprocessing's " + field + " " + what, field);
}

template <typename T, std::size_t N>
T named_value(const json::Object& object, const std::string& field, const std::array<Named<T>, N>& names, T missing) {
  const auto position = object.find(field);
  if (position == object.end()) return missing;
  std::string known;
  const auto* text = position->second.template get_if<std::string>();
  for (const auto& [name, value] : names) {
    if (text != nullptr && *text == name) return value;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  refuse(field, "must be one of " + known);
}

template <typename T, std::size_t N>
std::string name_text(T value, const std::array<Named<T>, N>& names) {
  const auto found = std::find_if(names.begin(), names.end(), [&](const auto& item) { return item.second == value; });
  return json::quote(std::string(found->first));
}

double bound_of(const json::Object& object, const std::string& name) {
  const auto position = object.find(name);
  if (position != object.end()) {
    if (const auto* integer = position->second.get_if<std::int64_t>()) return static_cast<double>(*integer);
    if (const auto* real = position->second.get_if<double>()) return *real;
  }
  refuse("intensity." + name, "must be a number");
}

bool has_bounds(Intensity::Policy policy) {
  return policy == Intensity::Policy::kPercentile || policy == Intensity::Policy::kWindow;
}

Intensity read_intensity(const json::Object& outer) {
  const auto position = outer.find("intensity");
  if (position == outer.end()) return {};
  const auto* object = position->second.get_if<json::Object>();
  if (object == nullptr) refuse("intensity", "must be an object");
  Intensity intensity{.policy = named_value(*object, "policy", kPolicies, Intensity::Policy::kFull)};
  if (!has_bounds(intensity.policy)) return intensity;
  intensity.low = bound_of(*object, "low");
  intensity.high = bound_of(*object, "high");
  const bool percentile = intensity.policy == Intensity::Policy::kPercentile;
  const double least = percentile ? 0 : -kMaxValue;
  const double most = percentile ? 100 : kMaxValue;
  if (!(intensity.low >= least && intensity.low < intensity.high && intensity.high <= most)) {
    refuse("intensity", percentile ? "must have percentiles 0 <= low < high <= 100" : "must have low below high");
  }
  return intensity;
}

std::string bound_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.17g", value);
  return text.data();
}

}  // namespace

Preprocessing read_preprocessing(const json::Object& object) {
  const Preprocessing missing;
  return {.fit = named_value(object, "fit", kFits, missing.fit),
          .channels = named_value(object, "channels", kChannels, missing.channels),
          .resize = named_value(object, "resize", kResizes, missing.resize),
          .intensity = read_intensity(object),
          .levels = named_value(object, "levels", kLevels, missing.levels)};
}

Preprocessing parse_preprocessing(const std::string& json_text) {
  const auto value = json::parse(json_text, {.max_bytes = 4u << 10, .max_depth = 4, .subject = "the preprocessing"});
  const auto* object = value.get_if<json::Object>();
  if (object == nullptr) {
    throw Error(ErrorCode::kInvalidArgument, "the preprocessing must be an object", "preprocessing");
  }
  for (const auto& [name, field] : *object) {
    if (std::find(kFields.begin(), kFields.end(), name) == kFields.end()) {
      refuse(name.substr(0, 100), "is not a known field");
    }
  }
  return read_preprocessing(*object);
}

std::string fields_of(const Preprocessing& preprocessing) {
  const Preprocessing missing;
  const auto& [fit, channels, resize, intensity, levels] = preprocessing;
  std::string text = "\"fit\":" + name_text(fit, kFits);
  if (channels != missing.channels) text += ",\"channels\":" + name_text(channels, kChannels);
  if (resize != missing.resize) text += ",\"resize\":" + name_text(resize, kResizes);
  if (levels != missing.levels) text += ",\"levels\":" + name_text(levels, kLevels);
  if (intensity == missing.intensity) return text;
  text += ",\"intensity\":{\"policy\":" + name_text(intensity.policy, kPolicies);
  if (has_bounds(intensity.policy)) {
    text += ",\"low\":" + bound_text(intensity.low) + ",\"high\":" + bound_text(intensity.high);
  }
  return text + "}";
}

}  // namespace automed::models
