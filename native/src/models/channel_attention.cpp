#include "models/channel_attention.h"

namespace automed::models {

torch::Tensor channel_attention(const torch::Tensor& x) {
  const torch::Tensor flat = x.flatten(2);                                              // B,C,N
  const torch::Tensor weights = torch::matmul(flat, flat.transpose(1, 2)).softmax(-1);  // B,C,C
  return torch::matmul(weights, flat).view(x.sizes()) + x;
}

}  // namespace automed::models
