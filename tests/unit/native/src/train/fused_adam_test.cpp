#include "train/fused_adam.h"

#include <sstream>

#include "support/native_test.h"

using automed::train::make_fused_adam;
using automed::train::WeightDecay;

namespace {

constexpr double kRate = 3e-2, kDecay = 0.1;

/// A matrix, a kernel that lies in memory with its channels last, a scalar and one that never gets a gradient.
std::vector<torch::Tensor> parameters() {
  torch::manual_seed(8);
  std::vector<torch::Tensor> values{torch::randn({37, 5}),
                                    torch::randn({6, 4, 3, 3}).contiguous(torch::MemoryFormat::ChannelsLast),
                                    torch::randn({1}), torch::randn({3})};
  for (auto& value : values) value.requires_grad_();
  return values;
}

/// Gradients of any order in memory, the same for the same step.
void set_gradients(std::vector<torch::Tensor>& values, int step) {
  torch::manual_seed(100 + step);
  for (std::size_t i = 0; i + 1 < values.size(); ++i) values[i].mutable_grad() = torch::randn(values[i].sizes());
}

void take_steps(torch::optim::Optimizer& optimizer, std::vector<torch::Tensor>& values, int first, int last) {
  for (int step = first; step < last; ++step) {
    set_gradients(values, step);
    optimizer.step();
  }
}

std::unique_ptr<torch::optim::Optimizer> of_libtorch(const std::vector<torch::Tensor>& values, WeightDecay kind) {
  if (kind == WeightDecay::kL2) {
    return std::make_unique<torch::optim::Adam>(values, torch::optim::AdamOptions(kRate).weight_decay(kDecay));
  }
  return std::make_unique<torch::optim::AdamW>(values, torch::optim::AdamWOptions(kRate).weight_decay(kDecay));
}

void hand_over(const torch::optim::Optimizer& from, torch::optim::Optimizer& to) {
  std::stringstream stream;
  torch::serialize::OutputArchive out;
  from.save(out);
  out.save_to(stream);
  torch::serialize::InputArchive in;
  in.load_from(stream);
  to.load(in);
}

}  // namespace

TEST("fused adam: takes the steps of LibTorch's, with either decay, and leaves what has no gradient") {
  for (const auto kind : {WeightDecay::kL2, WeightDecay::kDecoupled}) {
    auto expected = parameters(), actual = parameters();
    const auto plain = of_libtorch(expected, kind);
    const auto fused = make_fused_adam(actual, kRate, kDecay, kind);
    take_steps(*plain, expected, 0, 12);
    take_steps(*fused, actual, 0, 12);
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(torch::allclose(actual[i], expected[i], 1e-5, 1e-6));
    CHECK(torch::equal(actual.back(), parameters().back()) && !torch::equal(actual[0], parameters()[0]));
  }
}

TEST("fused adam: goes on from what LibTorch's saved, and LibTorch's from what it saved") {
  for (const auto kind : {WeightDecay::kL2, WeightDecay::kDecoupled}) {
    auto expected = parameters(), actual = parameters();
    const auto whole = of_libtorch(expected, kind);
    take_steps(*whole, expected, 0, 9);
    const auto first = of_libtorch(actual, kind);
    take_steps(*first, actual, 0, 3);
    const auto second = make_fused_adam(actual, kRate, kDecay, kind);
    hand_over(*first, *second);
    take_steps(*second, actual, 3, 6);
    const auto third = of_libtorch(actual, kind);
    hand_over(*second, *third);
    take_steps(*third, actual, 6, 9);
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(torch::allclose(actual[i], expected[i], 1e-5, 1e-6));
  }
}
