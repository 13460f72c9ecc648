#include "nn/batch_norm.h"

#include "models/mobilenet_v3.h"
#include "support/process_group.h"

using automed::nn::BatchNorm;
using automed::nn::SharedBatch;
using automed::test::max_difference;
using automed::test::run_process_group;

namespace {

class ProcessGroupBatch : public SharedBatch {
 public:
  ProcessGroupBatch(automed::train::Collective& process_group, bool contributes)
      : process_group_(process_group), contributes_(contributes) {}
  void sum(const torch::Tensor& tensor) override { process_group_.sum(tensor); }
  bool contributes() const override { return contributes_; }

 private:
  automed::train::Collective& process_group_;
  bool contributes_;
};

BatchNorm make_norm() {
  BatchNorm norm(torch::nn::BatchNorm2dOptions(3).momentum(0.3));
  const torch::NoGradGuard no_grad;
  norm->weight.copy_(torch::tensor({0.5, 1.5, -1.0}));
  norm->bias.copy_(torch::tensor({0.1, 0.0, -0.2}));
  return norm;
}

/// Far from zero, so that a variance computed carelessly would be wrong.
torch::Tensor input() {
  const auto generator = at::detail::createCPUGenerator(9);
  return torch::randn({7, 3, 4, 5}, generator, torch::kFloat32) * 0.5 + 40;
}

}  // namespace

TEST("batch norm: ranks with parts of a batch give the outputs, gradients and statistics of the whole batch") {
  const torch::Tensor x = input().requires_grad_();
  BatchNorm alone = make_norm();
  const torch::Tensor y = alone->forward(x);
  const torch::Tensor slope = torch::cos(torch::arange(y.numel())).view_as(y);
  (y * slope).sum().backward();
  // The parts are of different sizes, and the last rank has none: it computes on a stand-in.
  run_process_group(3, [&](std::unique_ptr<automed::train::Collective> process_group) {
    const std::int64_t begin = process_group->rank() == 1 ? 5 : 0, end = process_group->rank() == 0   ? 5
                                                                         : process_group->rank() == 1 ? 7
                                                                                                      : 1;
    const bool contributes = process_group->rank() != 2;
    BatchNorm mine = make_norm();
    automed::nn::share_batch_norm(*mine, c10::make_intrusive<ProcessGroupBatch>(*process_group, contributes));
    const torch::Tensor part = x.detach().slice(0, begin, end).clone().requires_grad_();
    const torch::Tensor out = mine->forward(part);
    (out * slope.slice(0, begin, end) * (contributes ? 1 : 0)).sum().backward();
    CHECK(max_difference(mine->running_mean, alone->running_mean) < 1e-5);
    CHECK(max_difference(mine->running_var, alone->running_var) < 1e-5);
    CHECK(mine->num_batches_tracked.item<std::int64_t>() == 1);
    const torch::Tensor weight_gradient = mine->weight.grad().clone(), bias_gradient = mine->bias.grad().clone();
    process_group->sum(weight_gradient);
    process_group->sum(bias_gradient);
    CHECK(max_difference(weight_gradient, alone->weight.grad()) < 1e-3);
    CHECK(max_difference(bias_gradient, alone->bias.grad()) < 1e-4);
    if (!contributes) {
      CHECK(part.grad().abs().max().item<float>() == 0);
      return;
    }
    CHECK(max_difference(out, y.slice(0, begin, end)) < 1e-4);
    CHECK(max_difference(part.grad(), x.grad().slice(0, begin, end)) < 1e-4);
  });
}

TEST("batch norm: evaluation asks no other rank, and a network keeps its parameter names") {
  class Refusing : public SharedBatch {
   public:
    void sum(const torch::Tensor& /*tensor*/) override { throw automed::test::Failure("asked another rank"); }
    bool contributes() const override { return true; }
  };
  automed::models::MobileNetV3 network(automed::models::MobileNetConfig{.width = 0.25});
  const auto names = network->named_parameters().keys();
  automed::nn::share_batch_norm(*network, c10::make_intrusive<Refusing>());
  network->eval();
  network->forward(torch::zeros({1, 3, 64, 64}));
  CHECK(network->named_parameters().keys() == names);
  CHECK(std::find(names.begin(), names.end(), "features.0.1.weight") != names.end());
}
