#pragma once

#include <torch/torch.h>

namespace automed::nn {

enum class Activation { kNone, kRelu, kGelu };

inline torch::Tensor activate(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return torch::relu(x);
    case Activation::kGelu:
      return torch::gelu(x);
    case Activation::kNone:
      break;
  }
  return x;
}

}  // namespace automed::nn
