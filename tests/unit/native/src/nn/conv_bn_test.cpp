#include "nn/conv_bn.h"

#include <cmath>

#include "models/mobilenet_v3.h"
#include "support/native_test.h"

using automed::nn::ConvBn;
using automed::nn::ConvBnOptions;
using automed::nn::PackedConvolution;

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

namespace {

/// Running statistics and affine parameters as a training leaves them.
void disturb_norms(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  module.apply([](torch::nn::Module& child) {
    auto* norm = child.as<torch::nn::BatchNorm2d>();
    if (norm == nullptr) return;
    norm->running_mean.normal_(0, 0.5);
    norm->running_var.uniform_(0.5, 2);
    norm->weight.uniform_(0.5, 1.5);
    norm->bias.normal_(0, 0.3);
  });
}

}  // namespace

TEST("conv-bn: folded for inference it computes what it computed, packed and plain, with any activation and grouping") {
  using automed::nn::ConvActivation;
  for (const auto policy : {automed::nn::PackPolicy::kAlways, automed::nn::PackPolicy::kNever}) {
    for (const auto activation : {ConvActivation::kNone, ConvActivation::kRelu, ConvActivation::kHardswish}) {
      for (const std::int64_t groups : {1, 8}) {
        ConvBn module(ConvBnOptions{.in_channels = 8,
                                    .out_channels = 16,
                                    .kernel = 3,
                                    .stride = 2,
                                    .groups = groups,
                                    .activation = activation});
        disturb_norms(*module);
        module->eval();
        const torch::NoGradGuard no_grad;
        const torch::Tensor x = torch::randn({3, 8, 11, 13});
        const torch::Tensor expected = module->forward(x);
        automed::nn::Packer packer(policy);
        module->fold(packer);
        module->fold(packer);  // a second time changes nothing
        CHECK(torch::allclose(module->forward(x), expected, 1e-4, 1e-5));
        CHECK(packer.packed() == (policy == automed::nn::PackPolicy::kAlways ? 1 : 0));
      }
    }
  }
}

TEST("conv-bn: a whole MobileNetV3 folded for inference computes what it computed, for one image and for several") {
  for (const bool improved : {true, false}) {
    torch::manual_seed(11);
    automed::models::MobileNetV3 network(automed::models::MobileNetConfig{.width = 0.35, .improved_se = improved});
    disturb_norms(*network);
    network->eval();
    for (const std::int64_t batch : {1, 3}) {
      const torch::Tensor images = torch::randn({batch, 3, 96, 96}).contiguous(torch::MemoryFormat::ChannelsLast);
      const torch::Tensor expected = network->forward(images).detach();  // as published, with gradients
      automed::models::MobileNetV3 folded(automed::models::MobileNetConfig{.width = 0.35, .improved_se = improved});
      {
        const torch::NoGradGuard no_grad;
        const auto from = network->named_parameters(), from_buffers = network->named_buffers();
        for (auto& item : folded->named_parameters()) item.value().copy_(from[item.key()]);
        for (auto& item : folded->named_buffers()) item.value().copy_(from_buffers[item.key()]);
      }
      folded->eval();
      automed::nn::Packer packer(automed::nn::PackPolicy::kAlways);
      automed::nn::fold_batch_norms(*folded, packer);
      const c10::InferenceMode guard;
      const double scale = expected.abs().max().item<double>();
      CHECK(automed::test::max_difference(folded->forward(images), expected) < 1e-4 * scale);
    }
  }
}

TEST("packed convolutions: one that tells nothing stays plain, and says nothing of others of its shape") {
  torch::manual_seed(6);
  const torch::Tensor bias = torch::zeros({6});
  for (const double value : {0.0, std::nan("")}) {
    const torch::Tensor silent = torch::full({6, 3, 5, 5}, value);
    CHECK(!PackedConvolution::pack(silent, bias, {.padding = 2}));
  }
  const torch::Tensor weight = torch::randn({6, 3, 5, 5}), x = torch::randn({1, 3, 8, 8});
  for (int time = 0; time < 2; ++time) {  // the second of its shape is not compared
    const auto packed = PackedConvolution::pack(weight * (time + 1), bias, {.padding = 2});
    CHECK(packed.has_value());
    CHECK(automed::test::max_difference(packed->forward(x), torch::conv2d(x, weight * (time + 1), bias, 1, 2)) < 1e-4);
  }
}
