#include "train/batch_norm.h"

#include "support/native_test.h"

namespace automed::train {
namespace {

torch::nn::BatchNorm2d norm_of(double momentum) {
  torch::nn::BatchNorm2d norm(torch::nn::BatchNorm2dOptions(2).momentum(momentum));
  norm->eval();
  return norm;
}

TEST("measures the mean of all batches' statistics, whatever the momentum and what was there before") {
  torch::manual_seed(1);
  const auto first = torch::randn({4, 2, 3, 3}) + 5, second = torch::randn({4, 2, 3, 3}) * 2;
  auto norm = norm_of(0.01);
  norm->running_mean.fill_(100);
  {
    const BatchNormMeasurement measurement(*norm);
    CHECK(measurement.layers() == 1);
    norm->forward(first);
    norm->forward(second);
  }
  const auto mean = (first.mean({0, 2, 3}) + second.mean({0, 2, 3})) / 2;
  const auto variance = (first.var({0, 2, 3}, true) + second.var({0, 2, 3}, true)) / 2;
  CHECK(test::max_difference(norm->running_mean, mean) < 1e-5);
  CHECK(test::max_difference(norm->running_var, variance) < 1e-5);
}

TEST("leaves modes and momenta as they were, and puts nothing but batch norms into training") {
  torch::nn::Sequential module(norm_of(0.25), torch::nn::Dropout(0.5));
  module->eval();
  {
    const BatchNormMeasurement measurement(*module);
    CHECK(module->ptr(0)->is_training() && !module->ptr(1)->is_training());
  }
  CHECK(!module->ptr(0)->is_training());
  CHECK(module->ptr(0)->as<torch::nn::BatchNorm2d>()->options.momentum() == 0.25);
}

}  // namespace
}  // namespace automed::train
