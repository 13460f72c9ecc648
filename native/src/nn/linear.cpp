#include "nn/linear.h"

namespace automed::nn {

torch::Tensor LinearImpl::forward(const torch::Tensor& x, Activation activation) {
  if (packed_) return packed_->multiply(x, bias, activation);
  return activate(torch::nn::LinearImpl::forward(x), activation);
}

void LinearImpl::pack(Packer& packer, std::int64_t rows) {
  if (packed_) return;
  packed_ = packer.pack(weight, rows);
  if (packed_) weight.set_data(torch::empty({0}, weight.options()));
}

}  // namespace automed::nn
