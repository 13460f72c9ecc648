#include "nn/packed_weight.h"

#include "nn/linear.h"
#include "support/native_test.h"

namespace {

using automed::nn::Activation;
using automed::nn::Linear;
using automed::nn::PackedWeight;
using automed::nn::Packer;
using automed::nn::PackPolicy;

}  // namespace

TEST("packed weights: every activation, bias or none, any number of rows") {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  const torch::Tensor weight = torch::randn({40, 24}), bias = torch::randn({40});
  const auto packed = PackedWeight::pack(weight, 64);
  CHECK(packed.has_value());
  for (const auto activation : {Activation::kNone, Activation::kRelu, Activation::kGelu}) {
    for (const std::int64_t rows : {1, 7, 64, 300}) {
      const torch::Tensor x = torch::randn({2, rows, 24});
      const torch::Tensor expected = automed::nn::activate(torch::linear(x, weight, bias), activation);
      CHECK(torch::allclose(packed->multiply(x, bias, activation), expected, 1e-5, 1e-5));
      const torch::Tensor unbiased = automed::nn::activate(torch::linear(x, weight), activation);
      CHECK(torch::allclose(packed->multiply(x, {}, activation), unbiased, 1e-5, 1e-5));
    }
  }
}

TEST("packed weights: inputs and weights in any order in memory") {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(2);
  const torch::Tensor weight = torch::randn({24, 40}).t(), x = torch::randn({24, 9}).t();
  const auto packed = PackedWeight::pack(weight, 9);
  CHECK(packed.has_value());
  CHECK(torch::allclose(packed->multiply(x, {}, Activation::kNone), torch::matmul(x, weight.t()), 1e-5, 1e-5));
}

TEST("packed weights: only float32 and bfloat16 are packed, and nothing where the plain path is asked for") {
  CHECK(!PackedWeight::pack(torch::randn({8, 8}, torch::kDouble), 4));
  CHECK(!PackedWeight::pack(torch::randn({8, 8}).to(torch::kHalf), 4));
  Packer never(PackPolicy::kNever);
  CHECK(!never.pack(torch::randn({8, 8}), 4) && never.packed() == 0);
}

TEST("packed weights: those that answer otherwise than the plain one are told") {
  torch::manual_seed(5);
  const torch::Tensor weight = torch::randn({40, 24});
  const auto packed = PackedWeight::pack(weight, 64);
  CHECK(packed.has_value() && packed->agrees_with(weight) == true);
  torch::Tensor other = weight.clone();
  other[39][23] += 1;
  CHECK(packed->agrees_with(other) == false && packed->agrees_with(torch::randn({40, 23})) == false);
}

TEST("packed weights: a weight that tells nothing stays plain, and says nothing of others of its shape") {
  torch::manual_seed(6);
  for (const double value : {0.0, std::nan("")}) {
    const torch::Tensor silent = torch::full({40, 24}, value);
    CHECK(!PackedWeight::pack(silent, 9)->agrees_with(silent).has_value());
    Packer packer(PackPolicy::kAlways);
    CHECK(!packer.pack(silent, 9) && packer.pack(torch::randn({40, 24}), 9) && packer.pack(silent, 9));
  }
}

TEST("packed weights: take the place of a layer's own") {
  torch::manual_seed(3);
  Linear layer(24, 40);
  const torch::Tensor x = torch::randn({3, 5, 24});
  const torch::Tensor expected = layer->forward(x, Activation::kGelu).detach();
  Packer packer(PackPolicy::kAlways);
  layer->pack(packer, 15);
  CHECK(packer.packed() == 1 && layer->weight.numel() == 0);
  const c10::InferenceMode guard;
  CHECK(torch::allclose(layer->forward(x, Activation::kGelu), expected, 1e-5, 1e-5));
}

TEST("packed weights: in bfloat16 they answer as the plain ones do") {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(4);
  const torch::Tensor weight = torch::randn({40, 24}).to(torch::kBFloat16),
                      bias = torch::randn({40}).to(torch::kBFloat16);
  const auto packed = PackedWeight::pack(weight, 64);
  if (!packed || packed->agrees_with(weight) != true) throw automed::test::Skip("this CPU's oneDNN has no bfloat16");
  const torch::Tensor x = torch::randn({64, 24}).to(torch::kBFloat16);
  const torch::Tensor expected =
      torch::linear(x.to(torch::kFloat32), weight.to(torch::kFloat32), bias.to(torch::kFloat32));
  CHECK(torch::allclose(packed->multiply(x, bias, Activation::kNone).to(torch::kFloat32), expected, 2e-2, 2e-2));
}
