#include "nn/conv_bn.h"

#include "models/mobilenet_v3.h"
#include "support/native_test.h"

using automed::nn::ConvBn;
using automed::nn::ConvBnOptions;

TEST("conv-bn: training moves the running statistics by the momentum, evaluation does not") {
  ConvBn module(ConvBnOptions{.in_channels = 2, .out_channels = 3, .kernel = 1});
  automed::nn::set_batch_norm_momentum(*module, 0.5);
  const torch::Tensor x = torch::randn({4, 2, 5, 5}) + 3;
  const torch::Tensor running = module->named_buffers()["1.running_mean"];
  module->eval();
  module->forward(x);
  CHECK(running.abs().max().item<float>() == 0);
  module->train();
  module->forward(x);
  const torch::Tensor raw = torch::conv2d(x, module->named_parameters()["0.weight"]);
  CHECK(automed::test::max_difference(running, raw.mean(torch::IntArrayRef{0, 2, 3}) * 0.5) < 1e-5);
}

TEST("conv-bn: train and eval modes give different outputs, eval the same for any batch") {
  ConvBn module(ConvBnOptions{.in_channels = 2, .out_channels = 3, .kernel = 3});
  const torch::Tensor x = torch::randn({4, 2, 6, 6});
  const torch::Tensor trained = module->forward(x);
  module->eval();
  const torch::Tensor all = module->forward(x);
  CHECK(automed::test::max_difference(trained, all) > 1e-3);
  CHECK(automed::test::max_difference(all.slice(0, 0, 1), module->forward(x.slice(0, 0, 1))) < 1e-6);
}

TEST("conv-bn: the momentum of every batch norm of a network can be set") {
  automed::models::MobileNetV3 network(automed::models::MobileNetConfig{.width = 0.25});
  automed::nn::set_batch_norm_momentum(*network, 0.125);
  int norms = 0;
  network->apply([&](torch::nn::Module& child) {
    if (auto* norm = child.as<torch::nn::BatchNorm2d>()) {
      CHECK(norm->options.momentum() == 0.125);
      ++norms;
    }
  });
  CHECK(norms == 46);
}
