#include "core/checkpoint.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "core/error.h"

namespace automed {
namespace {

constexpr std::size_t kListed = 20;  // names of each kind that a message spells out

std::string with_dot(const std::string& prefix) {
  return prefix.empty() || prefix.back() == '.' ? prefix : prefix + '.';
}

std::string shape_text(torch::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

void append_list(std::string& message, const char* kind, const std::vector<std::string>& names) {
  if (names.empty()) return;
  message += "; " + std::to_string(names.size()) + " " + kind + ": ";
  for (std::size_t i = 0; i < std::min(names.size(), kListed); ++i) {
    message += (i == 0 ? "" : ", ") + names[i].substr(0, 200);
  }
  if (names.size() > kListed) message += ", and " + std::to_string(names.size() - kListed) + " more";
}

bool all_finite(const torch::Tensor& tensor) {
  if (!tensor.is_floating_point() || tensor.numel() == 0) return true;
  // One pass without a temporary: NaN and infinity survive a sum. A sum that overflows is looked at again.
  const bool half = tensor.element_size() < 4;
  const torch::Tensor sum = half ? tensor.sum(torch::kFloat32) : tensor.sum();
  return torch::isfinite(sum).item<bool>() || torch::isfinite(tensor).all().item<bool>();
}

}  // namespace

NamedTensors state_dict(const torch::nn::Module& module, const std::string& prefix) {
  const std::string start = with_dot(prefix);
  NamedTensors tensors;
  for (const auto& item : module.named_parameters()) tensors.emplace_back(start + item.key(), item.value());
  for (const auto& item : module.named_buffers()) tensors.emplace_back(start + item.key(), item.value());
  return tensors;
}

void Mismatch::add_shape(const std::string& name, torch::IntArrayRef actual, torch::IntArrayRef expected) {
  different.push_back(name + " is " + shape_text(actual) + " instead of " + shape_text(expected));
}

void Mismatch::check() const {
  if (missing.empty() && unexpected.empty() && different.empty()) return;
  std::string message = "the checkpoint does not fit the architecture";
  append_list(message, "missing", missing);
  append_list(message, "unexpected", unexpected);
  append_list(message, "of another shape", different);
  throw Error(ErrorCode::kCheckpointMismatch, message);
}

void check_finite(const std::string& name, const torch::Tensor& tensor) {
  if (!all_finite(tensor)) {
    throw Error(ErrorCode::kCheckpointCorrupt, "the checkpoint has NaN or infinity in " + name);
  }
}

void check_fits(const NamedTensors& targets, const WeightsSource& file, const std::string& start) {
  Mismatch mismatch;
  std::set<std::string> expected;
  for (const auto& [name, target] : targets) {
    expected.insert(name);
    if (!file.contains(name)) {
      mismatch.missing.push_back(name);
      continue;
    }
    const torch::Tensor source = file.tensor(name);
    if (source.sizes() != target.sizes()) {
      mismatch.add_shape(name, source.sizes(), target.sizes());
    } else if (source.is_floating_point() != target.is_floating_point()) {
      mismatch.different.push_back(name + " has another kind of numbers");
    }
  }
  for (const std::string& name : file.keys()) {
    if (name.starts_with(start) && !expected.contains(name)) mismatch.unexpected.push_back(name);
  }
  mismatch.check();
  for (const auto& [name, target] : targets) check_finite(name, file.tensor(name));
}

void load_strict(torch::nn::Module& module, const WeightsSource& file, const std::string& prefix) {
  const NamedTensors targets = state_dict(module, prefix);
  check_fits(targets, file, with_dot(prefix));
  torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : targets) {
    torch::Tensor target = tensor;
    target.copy_(file.tensor(name));
  }
}

}  // namespace automed
