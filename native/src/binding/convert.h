#pragma once

#include <napi.h>
#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <string>

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
Napi::Uint8Array read_bytes(const Napi::Value& value, const std::string& field);

/// A copy of a Float32Array, whose length must be a multiple of `stride`: float32 [length / stride, stride], [length]
/// for a stride of 0; undefined for null.
torch::Tensor read_optional_floats(const Napi::Value& value, const std::string& field, std::int64_t stride);

/// RawPixels of native/lib/native.ts, whose `data` has been read once by the caller, who pins that object. The view
/// points into its buffer, which JavaScript must not transfer meanwhile.
pipeline::PixelView read_pixels(const Napi::Object& pixels, const Napi::Object& data);

/// A Buffer over a contiguous uint8 tensor, which it keeps alive.
Napi::Value to_buffer(Napi::Env env, const torch::Tensor& bytes);
/// A Float32Array with a copy of the tensor.
Napi::Value to_float_array(Napi::Env env, const torch::Tensor& values);

}  // namespace automed::binding
