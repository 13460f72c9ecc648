#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "nn/linear.h"

namespace automed::nn {

/// The transformer's two-layer perceptron (SAM, `MLPBlock`): lin1 -> activation -> lin2.
/// [..., width] -> [..., width]
class MLPBlockImpl : public torch::nn::Module {
 public:
  MLPBlockImpl(std::int64_t width, std::int64_t hidden, Activation activation);
  torch::Tensor forward(const torch::Tensor& x);
  void pack(Packer& packer, std::int64_t rows);

 private:
  Activation activation_;
  Linear lin1{nullptr};
  Linear lin2{nullptr};
};
TORCH_MODULE(MLPBlock);

/// The mask decoder's perceptron of any depth with ReLU between its layers (SAM, `MLP`; names `layers.N`).
/// [..., input] -> [..., output]
class MLPImpl : public torch::nn::Module {
 public:
  MLPImpl(std::int64_t input, std::int64_t hidden, std::int64_t output, std::int64_t depth);
  torch::Tensor forward(torch::Tensor x);

 private:
  torch::nn::ModuleList layers;
};
TORCH_MODULE(MLP);

}  // namespace automed::nn
