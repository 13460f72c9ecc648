#include "nn/position_encoding.h"

#include <numbers>

namespace automed::nn {
namespace {

/// Coordinates in [0, 1], [..., 2] -> [..., channels]
torch::Tensor encode(const torch::Tensor& unit, const torch::Tensor& gaussian) {
  const torch::Tensor angles = torch::matmul(2 * unit - 1, gaussian) * (2 * std::numbers::pi);
  return torch::cat({angles.sin(), angles.cos()}, -1);
}

torch::Tensor centres(std::int64_t count, const torch::TensorOptions& options) {
  return (torch::arange(count, options) + 0.5) / count;
}

}  // namespace

torch::Tensor grid_encoding(const torch::Tensor& gaussian, std::int64_t height, std::int64_t width) {
  const auto axes = torch::meshgrid({centres(height, gaussian.options()), centres(width, gaussian.options())}, "ij");
  return encode(torch::stack({axes[1], axes[0]}, -1), gaussian).permute({2, 0, 1});
}

PositionEncodingImpl::PositionEncodingImpl(std::int64_t channels) {
  positional_encoding_gaussian_matrix =
      register_buffer("positional_encoding_gaussian_matrix", torch::randn({2, channels / 2}));
}

torch::Tensor PositionEncodingImpl::grid(std::int64_t height, std::int64_t width) const {
  return grid_encoding(positional_encoding_gaussian_matrix, height, width);
}

torch::Tensor PositionEncodingImpl::points(const torch::Tensor& coords, std::int64_t height, std::int64_t width) const {
  const torch::Tensor size = torch::tensor({static_cast<double>(width), static_cast<double>(height)},
                                           positional_encoding_gaussian_matrix.options());
  return encode(coords.to(size.options()) / size, positional_encoding_gaussian_matrix);
}

}  // namespace automed::nn
