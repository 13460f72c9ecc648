#include "train/gradients.h"

namespace automed::train {
namespace {

std::vector<torch::Tensor> gradients_of(const std::vector<torch::Tensor>& parameters) {
  std::vector<torch::Tensor> gradients;
  for (const auto& parameter : parameters) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  return gradients;
}

}  // namespace

double gradient_norm(const std::vector<torch::Tensor>& parameters) {
  const torch::NoGradGuard no_grad;
  const auto gradients = gradients_of(parameters);
  if (gradients.empty()) return 0;
  // In double: the norm of many large gradients may overflow where none of them does.
  const auto norms = torch::stack(at::_foreach_norm(gradients, 2)).to(torch::kFloat64);
  return norms.norm().item<double>();
}

void clip_gradients(const std::vector<torch::Tensor>& parameters, double norm, double limit) {
  if (norm <= limit) return;
  const torch::NoGradGuard no_grad;
  at::_foreach_mul_(gradients_of(parameters), limit / norm);
}

}  // namespace automed::train
