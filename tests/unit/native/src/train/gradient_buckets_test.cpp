#include "train/gradient_buckets.h"

#include <mutex>

#include "support/process_group.h"

using automed::test::max_difference;
using automed::test::run_process_group;
using automed::train::GradientBuckets;

namespace {

/// A network with a layer that only some inputs use.
struct Branching : torch::nn::Module {
  Branching() {
    torch::manual_seed(3);
    first = register_module("first", torch::nn::Linear(8, 16));
    extra = register_module("extra", torch::nn::Linear(16, 16));
    last = register_module("last", torch::nn::Linear(16, 1));
    unused = register_module("unused", torch::nn::Linear(4, 4));
  }
  torch::Tensor loss(const torch::Tensor& x, bool with_extra) {
    torch::Tensor y = torch::relu(first(x));
    if (with_extra) y = torch::relu(extra(y));
    return last(y).square().sum();
  }
  torch::nn::Linear first{nullptr}, extra{nullptr}, last{nullptr}, unused{nullptr};
};

std::vector<torch::Tensor> inputs() {
  std::vector<torch::Tensor> x;
  for (int i = 0; i < 4; ++i) x.push_back(torch::linspace(-1 + i, 1, 24).view({3, 8}));
  return x;
}

}  // namespace

TEST("gradient buckets: gradients become the sum over the ranks, whatever the bucket size and who used a layer") {
  const auto x = inputs();
  Branching alone;
  for (int i = 0; i < 4; ++i) alone.loss(x[i], i % 2 == 0).backward();
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{1000}, GradientBuckets::kBucketBytes}) {
    std::mutex construction;  // the generator that draws initial weights belongs to the process
    run_process_group(4, [&](std::unique_ptr<automed::train::Collective> process_group) {
      std::unique_ptr<Branching> mine;
      {
        const std::lock_guard lock(construction);
        mine = std::make_unique<Branching>();
      }
      GradientBuckets buckets(*process_group, mine->parameters(), bytes);
      CHECK(buckets.count() == (bytes == 1 ? 8 : bytes == 1000 ? 3 : 1));
      // Twice: what the first pass leaves must not disturb the second.
      for (int pass = 0; pass < 2; ++pass) {
        mine->zero_grad();
        buckets.backward(
            mine->loss(x[static_cast<std::size_t>(process_group->rank())], process_group->rank() % 2 == 0));
      }
      const auto expected = alone.parameters();
      const auto found = mine->parameters();
      for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(expected[i].grad().defined() == found[i].grad().defined());
        if (found[i].grad().defined()) CHECK(max_difference(expected[i].grad(), found[i].grad()) < 1e-3);
      }
    });
  }
}

TEST("gradient buckets: what earlier backward passes gathered is part of the sum") {
  const auto x = inputs();
  Branching alone;
  for (int i = 0; i < 4; ++i) alone.loss(x[i], true).backward();
  std::mutex construction;
  run_process_group(2, [&](std::unique_ptr<automed::train::Collective> process_group) {
    std::unique_ptr<Branching> mine;
    {
      const std::lock_guard lock(construction);
      mine = std::make_unique<Branching>();
    }
    GradientBuckets buckets(*process_group, mine->parameters(), 1000);
    const auto first = static_cast<std::size_t>(2 * process_group->rank());
    mine->loss(x[first], true).backward();
    buckets.backward(mine->loss(x[first + 1], true));
    CHECK(max_difference(alone.first->weight.grad(), mine->first->weight.grad()) < 1e-3);
    CHECK(max_difference(alone.last->bias.grad(), mine->last->bias.grad()) < 1e-3);
  });
}
