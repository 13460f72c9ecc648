#include "parity/hash_weights.h"

#include <cmath>
#include <cstdint>
#include <string_view>

#include "core/checkpoint.h"

namespace automed::parity {
namespace {

constexpr std::uint32_t kFnvOffset = 0x811C9DC5u;
constexpr std::uint32_t kFnvPrime = 0x01000193u;
constexpr std::uint32_t kStep = 0x9E3779B9u;

std::uint32_t fnv1a(std::string_view name) {
  std::uint32_t hash = kFnvOffset;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
  return hash;
}

/// The i-th number of a name's sequence, in [0, 1).
double uniform(std::uint32_t seed, std::uint64_t i) {
  std::uint32_t x = seed + static_cast<std::uint32_t>(i) * kStep;
  x ^= x >> 16;
  x *= 0x7FEB352Du;
  x ^= x >> 15;
  x *= 0x846CA68Bu;
  x ^= x >> 16;
  return static_cast<double>(x) / 4294967296.0;
}

enum class Kind { kVariance, kSmall, kZero, kNormWeight, kUnit, kTable, kFanIn };

Kind kind_of(std::string_view name, torch::IntArrayRef shape) {
  const auto contains = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  if (name.ends_with("running_var")) return Kind::kVariance;
  if (name.ends_with("running_mean")) return Kind::kSmall;
  if (name.ends_with("num_batches_tracked")) return Kind::kZero;
  if (name.ends_with("gaussian_matrix")) return Kind::kUnit;
  const bool single_row = shape.size() == 2 && shape[0] == 1;
  if (contains("rel_pos") || contains("pos_embed") || contains("mask_tokens") || single_row) return Kind::kTable;
  if (shape.size() == 1) return name.ends_with("weight") ? Kind::kNormWeight : Kind::kSmall;
  return Kind::kFanIn;
}

}  // namespace

torch::Tensor hash_tensor(const std::string& name, torch::IntArrayRef shape) {
  torch::Tensor tensor = torch::empty(shape, torch::kFloat32);
  const Kind kind = kind_of(name, shape);
  const std::uint32_t seed = fnv1a(name);
  const double root3 = std::sqrt(3.0);
  const auto count = static_cast<std::uint64_t>(tensor.numel());
  // Divided, not multiplied by the inverse: the last bit counts.
  const double fan_in = shape.empty() ? 1.0 : std::sqrt(static_cast<double>(count) / static_cast<double>(shape[0]));
  auto* out = tensor.data_ptr<float>();
  for (std::uint64_t i = 0; i < count; ++i) {
    const double r = (2 * uniform(seed, i) - 1) * root3;
    double value = 0;
    switch (kind) {
      case Kind::kVariance:
        value = 0.5 + std::abs(r);
        break;
      case Kind::kSmall:
        value = 0.1 * r;
        break;
      case Kind::kZero:
        break;
      case Kind::kNormWeight:
        value = 1 + 0.1 * r;
        break;
      case Kind::kUnit:
        value = r;
        break;
      case Kind::kTable:
        value = 0.2 * r;
        break;
      case Kind::kFanIn:
        value = r / fan_in;
        break;
    }
    out[i] = static_cast<float>(value);
  }
  return tensor;
}

torch::Tensor hash_pixels(const std::string& name, torch::IntArrayRef shape) {
  torch::Tensor tensor = torch::empty(shape, torch::kUInt8);
  const std::uint32_t seed = fnv1a(name);
  auto* out = tensor.data_ptr<std::uint8_t>();
  const auto count = static_cast<std::uint64_t>(tensor.numel());
  for (std::uint64_t i = 0; i < count; ++i) out[i] = static_cast<std::uint8_t>(std::floor(uniform(seed, i) * 256));
  return tensor;
}

void fill_from_hash(torch::nn::Module& module, const std::string& prefix) {
  torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state_dict(module, prefix)) tensor.copy_(hash_tensor(name, tensor.sizes()));
}

}  // namespace automed::parity
