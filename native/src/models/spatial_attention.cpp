#include "models/spatial_attention.h"

#include "models/pyramid_pooling.h"

namespace automed::models {

SpatialAttentionImpl::SpatialAttentionImpl(std::int64_t channels) {
  query = register_module("query", torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, channels / 2, 1)));
  key = register_module("key", torch::nn::Conv1d(torch::nn::Conv1dOptions(channels, channels / 2, 1)));
  value = register_module("value", torch::nn::Conv1d(torch::nn::Conv1dOptions(channels, channels, 1)));
}

torch::Tensor SpatialAttentionImpl::forward(const torch::Tensor& x) {
  const torch::Tensor context = pyramid_pooling(x);                                           // B,C,M
  const torch::Tensor q = query->forward(x).flatten(2).transpose(1, 2);                       // B,N,C/2
  const torch::Tensor weights = torch::matmul(q, key->forward(context)).softmax(-1);          // B,N,M
  const torch::Tensor out = torch::matmul(value->forward(context), weights.transpose(1, 2));  // B,C,N
  return out.view(x.sizes()) + x;
}

}  // namespace automed::models
