#pragma once

#include <torch/torch.h>

#include <string>

namespace automed {

/// The one place where text becomes a device. `cpu`, `cuda` (the first), `cuda:N`, or `auto` (CUDA when there is one).
/// Throws kDeviceUnavailable when the device does not exist here, kInvalidArgument (field `device`) for anything else.
torch::Device parse_device(const std::string& text);

/// The one place where text becomes a precision: `float32`, `bfloat16`, `float16` (CUDA only).
/// Throws kInvalidArgument (field `precision`).
torch::Dtype parse_precision(const std::string& text, const torch::Device& device);

/// The spelling that `parse_precision` reads.
std::string precision_name(torch::Dtype dtype);

}  // namespace automed
