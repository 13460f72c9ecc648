#include "core/mapped_weights.h"

#include <torch/library.h>

#include <optional>

#include "core/checkpoint.h"

namespace automed {
namespace {

/// A key of LibTorch that no tensor has: what is registered for it runs where a thread asks for it, before anything
/// else.
constexpr auto kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

at::Tensor& leave_as_is(at::Tensor& self, double, double, std::optional<at::Generator>) {
  return self;
}

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, library) {
  library.fallback(torch::CppFunction::makeFallthrough());
}

TORCH_LIBRARY_IMPL(aten, TESTING_ONLY_GenericMode, library) {
  library.impl("uniform_", leave_as_is);
  library.impl("normal_", leave_as_is);
}

}  // namespace

WithoutRandomWeights::WithoutRandomWeights() : guard_(kKey) {}

void map_strict(torch::nn::Module& module, const WeightsSource& file) {
  const NamedTensors targets = state_dict(module);
  check_fits(targets, file);
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : targets) {
    torch::Tensor target = tensor;
    const torch::Tensor source = file.tensor(name);
    if (source.scalar_type() == target.scalar_type()) {
      target.set_data(source);
    } else {
      target.copy_(source);
    }
  }
}

void own_weights(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state_dict(module)) {
    torch::Tensor target = tensor;
    target.set_data(target.clone());
  }
}

}  // namespace automed
