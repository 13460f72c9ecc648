#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <string>

namespace automed {

/// The one place where text becomes a device. `cpu`, `cuda` (the first), `cuda:N`, or `auto` (CUDA when there is one).
/// Throws kDeviceUnavailable when the device does not exist here, kInvalidArgument (field `device`) for anything else.
torch::Device parse_device(const std::string& text);

/// The one place where text becomes a precision: `float32`, `bfloat16`, `float16` (CUDA only).
/// Throws kInvalidArgument (field `precision`).
torch::Dtype parse_precision(const std::string& text, const torch::Device& device);

/// Whether the device computes in bfloat16 by itself; elsewhere it is emulated and slower than float32.
bool computes_in_bfloat16(torch::Device device);

/// Throws kDeviceUnavailable (field `precision`) where the device would emulate it.
void require_precision(torch::Dtype precision, torch::Device device);

/// What LibTorch's allocator has of an accelerator's memory, bytes.
struct DeviceMemory {
  std::int64_t allocated = 0;  ///< in tensors
  std::int64_t reserved = 0;   ///< taken from the device: allocated, and kept for what comes next
};

/// None for a CPU, whose memory is the process', and before anything was allocated on the device.
std::optional<DeviceMemory> device_memory(const torch::Device& device);

/// The spelling that `parse_precision` reads.
std::string precision_name(torch::Dtype dtype);

}  // namespace automed
