#pragma once

#include <napi.h>
#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "pipeline/image.h"

namespace automed::binding {

inline constexpr std::int64_t kMaxSafeInteger = (std::int64_t{1} << 53) - 1;  ///< JavaScript's own
inline constexpr std::int64_t kMaxThreads = 1024;
inline constexpr std::int64_t kMaxBatch = 4096;  ///< images

/// Checked readers of what JavaScript hands over; each throws kInvalidArgument that names the field.
Napi::Object read_object(const Napi::Value& value, const std::string& field);
std::string read_string(const Napi::Value& value, const std::string& field);
bool read_boolean(const Napi::Value& value, const std::string& field);
double read_number(const Napi::Value& value, const std::string& field);
std::int64_t read_integer(const Napi::Value& value, const std::string& field, std::int64_t least, std::int64_t most);
std::optional<std::string> read_optional_string(const Napi::Value& value, const std::string& field);
/// Throws kInvalidArgument for what is below 0, too.
double read_at_least_zero(const Napi::Value& value, const std::string& field);
Napi::Uint8Array read_bytes(const Napi::Value& value, const std::string& field);

/// What a closed choice may say.
template <typename T>
using Choices = std::vector<std::pair<std::string, T>>;

/// `first, second or third`.
std::string any_of(const std::vector<std::string>& names);

template <typename T>
T read_choice(const Napi::Value& value, const std::string& field, const Choices<T>& choices) {
  const auto given = read_string(value, field);
  std::vector<std::string> names;
  for (const auto& [name, choice] : choices) {
    if (name == given) return choice;
    names.push_back(name);
  }
  throw Error(ErrorCode::kInvalidArgument, field + " must be " + any_of(names), field);
}

/// A copy of a Float32Array, float32 [length]; undefined for null.
torch::Tensor read_optional_floats(const Napi::Value& value, const std::string& field);

/// Pixels of native/lib/types, whose `data` has been read once by the caller, who pins that object. The view
/// points into its buffer, which JavaScript must not transfer meanwhile.
pipeline::PixelView read_pixels(const Napi::Object& pixels, const Napi::Object& data);

/// A Buffer over a contiguous uint8 tensor, which it keeps alive.
Napi::Value to_buffer(Napi::Env env, const torch::Tensor& bytes);
/// A Float32Array with a copy of the tensor.
Napi::Value to_float_array(Napi::Env env, const torch::Tensor& values);

}  // namespace automed::binding
