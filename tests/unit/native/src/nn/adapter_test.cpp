#include "nn/adapter.h"

#include "support/native_test.h"

namespace {

using automed::nn::Adapter;

constexpr std::int64_t kAdapterWidth = 24;

/// The convolutions compute it when there are gradients.
torch::Tensor convolved(Adapter& module, const torch::Tensor& x) {
  const torch::AutoGradMode with_gradients(true);
  return module->forward(x).detach();
}

torch::Tensor without_gradients(Adapter& module, const torch::Tensor& x) {
  const torch::NoGradGuard no_grad;
  return module->forward(x);
}

}  // namespace

TEST("adapter without gradients: the matrix products give what the convolutions give") {
  torch::manual_seed(1);
  Adapter module(kAdapterWidth);
  for (const auto& shape : {std::vector<std::int64_t>{1, 16, 16}, {3, 4, 10}, {2, 2, 2}}) {
    const torch::Tensor x = torch::randn({shape[0], shape[1], shape[2], kAdapterWidth});
    const torch::Tensor expected = convolved(module, x);
    const torch::Tensor result = without_gradients(module, x);
    CHECK(result.sizes() == x.sizes());
    CHECK(torch::allclose(result, expected, 1e-5, 1e-5));
    // And the detour is no small part of it.
    CHECK((expected - torch::layer_norm(x, {kAdapterWidth})).abs().max().item<double>() > 0.1);
  }
}

TEST("adapter without gradients: a grid too large for the matrix products gives the same") {
  torch::manual_seed(2);
  Adapter module(kAdapterWidth);
  const torch::Tensor x = torch::randn({1, 48, 48, kAdapterWidth});
  CHECK(torch::allclose(without_gradients(module, x), convolved(module, x), 1e-5, 1e-5));
}

TEST("adapter with packed weights: gives what the convolutions give, on any grid") {
  torch::manual_seed(3);
  Adapter module(kAdapterWidth);
  std::vector<std::pair<torch::Tensor, torch::Tensor>> cases;
  for (const auto& shape : {std::vector<std::int64_t>{1, 16, 16}, {3, 4, 10}, {1, 48, 48}, {2, 2, 2}}) {
    const torch::Tensor x = torch::randn({shape[0], shape[1], shape[2], kAdapterWidth});
    cases.emplace_back(x, convolved(module, x));
  }
  automed::nn::Packer packer(automed::nn::PackPolicy::kAlways);
  module->pack(packer, 16);
  CHECK(packer.packed() == 2);
  for (const auto& [x, expected] : cases) {
    const torch::Tensor result = without_gradients(module, x);
    CHECK(result.sizes() == x.sizes());
    CHECK(torch::allclose(result, expected, 1e-5, 1e-5));
  }
}
