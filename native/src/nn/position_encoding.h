#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace automed::nn {

/// SAM's random Fourier encoding (`PositionEmbeddingRandom`). The Gaussian matrix is a buffer of the checkpoint:
/// whoever encodes positions for the same decoder must use the same one.
class PositionEncodingImpl : public torch::nn::Module {
 public:
  explicit PositionEncodingImpl(std::int64_t channels);

  /// Pixel centres of an h x w grid -> [channels, h, w]
  torch::Tensor grid(std::int64_t height, std::int64_t width) const;
  /// x, y in pixels of an image: [..., 2] -> [..., channels]
  torch::Tensor points(const torch::Tensor& coords, std::int64_t height, std::int64_t width) const;
  const torch::Tensor& gaussian() const { return positional_encoding_gaussian_matrix; }

 private:
  torch::Tensor positional_encoding_gaussian_matrix;  // 2,channels/2
};
TORCH_MODULE(PositionEncoding);

/// The encoding of `PositionEncoding::grid` with a given Gaussian matrix [2, channels / 2] -> [channels, h, w]
torch::Tensor grid_encoding(const torch::Tensor& gaussian, std::int64_t height, std::int64_t width);

}  // namespace automed::nn
