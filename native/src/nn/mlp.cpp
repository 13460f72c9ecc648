#include "nn/mlp.h"

namespace automed::nn {

MLPBlockImpl::MLPBlockImpl(std::int64_t width, std::int64_t hidden, Activation activation) : activation_(activation) {
  lin1 = register_module("lin1", Linear(width, hidden));
  lin2 = register_module("lin2", Linear(hidden, width));
}

torch::Tensor MLPBlockImpl::forward(const torch::Tensor& x) {
  return lin2->forward(lin1->forward(x, activation_));
}

void MLPBlockImpl::pack(Packer& packer, std::int64_t rows) {
  lin1->pack(packer, rows);
  lin2->pack(packer, rows);
}

MLPImpl::MLPImpl(std::int64_t input, std::int64_t hidden, std::int64_t output, std::int64_t depth) {
  layers = register_module("layers", torch::nn::ModuleList());
  for (std::int64_t i = 0; i < depth; ++i) {
    layers->push_back(torch::nn::Linear(i == 0 ? input : hidden, i + 1 == depth ? output : hidden));
  }
}

torch::Tensor MLPImpl::forward(torch::Tensor x) {
  for (std::size_t i = 0; i < layers->size(); ++i) {
    x = layers->ptr<torch::nn::LinearImpl>(i)->forward(x);
    if (i + 1 < layers->size()) x = torch::relu(x);
  }
  return x;
}

}  // namespace automed::nn
