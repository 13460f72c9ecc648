#include "models/pyramid_pooling.h"

#include <tuple>
#include <vector>

namespace automed::models {

torch::Tensor pyramid_pooling(const torch::Tensor& x) {
  std::vector<torch::Tensor> contexts;
  for (const std::int64_t n : kPyramidSizes) contexts.push_back(torch::adaptive_avg_pool2d(x, {n, n}).flatten(2));
  for (const std::int64_t n : kPyramidSizes) {
    contexts.push_back(std::get<0>(torch::adaptive_max_pool2d(x, {n, n})).flatten(2));
  }
  return torch::cat(contexts, 2);  // B,C,M
}

}  // namespace automed::models
