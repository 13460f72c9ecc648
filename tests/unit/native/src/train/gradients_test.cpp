#include "train/gradients.h"

#include <cmath>
#include <limits>

#include "support/native_test.h"

namespace automed::train {
namespace {

torch::Tensor with_gradient(const torch::Tensor& gradient) {
  auto parameter = torch::zeros_like(gradient).requires_grad_();
  parameter.mutable_grad() = gradient.clone();
  return parameter;
}

TEST("measures the norm of all gradients together, without those that have none") {
  const std::vector<torch::Tensor> parameters = {with_gradient(torch::full({2, 2}, 2.0)),
                                                 torch::zeros({3}).requires_grad_(),
                                                 with_gradient(torch::full({1}, 3.0))};
  CHECK(std::abs(gradient_norm(parameters) - 5) < 1e-6);
  CHECK(gradient_norm({}) == 0);
}

TEST("gives a norm that is not finite for one element that is not") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto gradient = torch::ones({5});
    gradient[3] = bad;
    CHECK(!std::isfinite(gradient_norm({with_gradient(torch::ones({2})), with_gradient(gradient)})));
  }
}

TEST("scales gradients above the limit down to it, in one direction, and leaves smaller ones alone") {
  const std::vector<torch::Tensor> parameters = {with_gradient(torch::full({1}, 3.0)),
                                                 with_gradient(torch::full({1}, 4.0))};
  clip_gradients(parameters, gradient_norm(parameters), 10);
  CHECK(parameters[0].grad().item<float>() == 3 && parameters[1].grad().item<float>() == 4);
  clip_gradients(parameters, gradient_norm(parameters), 1);
  CHECK(std::abs(parameters[0].grad().item<float>() - 0.6) < 1e-6);
  CHECK(std::abs(parameters[1].grad().item<float>() - 0.8) < 1e-6);
}

}  // namespace
}  // namespace automed::train
