#include "core/device.h"

#include <ATen/cpu/Utils.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <charconv>
#include <string_view>

#include "core/error.h"

namespace automed {
namespace {

constexpr std::string_view kCuda = "cuda";

torch::Device cuda_device(int index) {
  if (!torch::cuda::is_available()) {
    throw Error(ErrorCode::kDeviceUnavailable, "no CUDA device can be used here");
  }
  const auto count = static_cast<int>(torch::cuda::device_count());  // NOLINT(bugprone-signed-char-misuse)
  if (index >= count) {
    throw Error(ErrorCode::kDeviceUnavailable,
                "there is no device cuda:" + std::to_string(index) + ", only " + std::to_string(count));
  }
  return torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace

torch::Device parse_device(const std::string& text) {
  if (text == "cpu") return torch::Device(torch::kCPU);
  if (text == "auto") return torch::cuda::is_available() ? cuda_device(0) : torch::Device(torch::kCPU);
  if (text == kCuda) return cuda_device(0);
  if (text.starts_with("cuda:")) {
    const char* end = text.data() + text.size();
    int index = -1;
    const auto [stop, status] = std::from_chars(text.data() + kCuda.size() + 1, end, index);
    if (status == std::errc() && stop == end && index >= 0 && index < 128) return cuda_device(index);
  }
  throw Error(ErrorCode::kInvalidArgument, "the device must be cpu, cuda, cuda:N or auto", "device");
}

std::optional<DeviceMemory> device_memory(const torch::Device& device) {
  if (device.is_cpu()) return std::nullopt;
  auto* allocator = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(device.type()));
  if (allocator == nullptr || !allocator->initialized()) return std::nullopt;
  constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto stats = allocator->getDeviceStats(device.index());
  return DeviceMemory{.allocated = stats.allocated_bytes[kAll].current, .reserved = stats.reserved_bytes[kAll].current};
}

torch::Dtype parse_precision(const std::string& text, const torch::Device& device) {
  if (text == "float32") return torch::kFloat32;
  if (text == "bfloat16") return torch::kBFloat16;
  if (text == "float16" && device.is_cuda()) return torch::kFloat16;
  throw Error(ErrorCode::kInvalidArgument, "the precision must be float32, bfloat16 or, on CUDA, float16", "precision");
}

bool computes_in_bfloat16(torch::Device device) {
  // cuDNN has it from compute capability 8.0 on, where the hardware does.
  if (device.is_cuda()) return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
  const auto capabilities = at::cpu::get_cpu_capabilities();
  for (const char* name : {"avx512_bf16", "amx_bf16", "arm_bf16"}) {
    const auto found = capabilities.find(name);
    if (found != capabilities.end() && found->second.isBool() && found->second.toBool()) return true;
  }
  return false;
}

void require_precision(torch::Dtype precision, torch::Device device) {
  if (precision != torch::kBFloat16 || computes_in_bfloat16(device)) return;
  throw Error(ErrorCode::kDeviceUnavailable, "this device does not compute in bfloat16; use float32", "precision");
}

std::string precision_name(torch::Dtype dtype) {
  switch (dtype) {
    case torch::kBFloat16:
      return "bfloat16";
    case torch::kFloat16:
      return "float16";
    default:
      return "float32";
  }
}

}  // namespace automed
