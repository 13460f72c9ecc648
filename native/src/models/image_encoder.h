#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>

#include "models/config.h"
#include "nn/packed_weight.h"

namespace automed::models {

/// SAM's image encoder (`ImageEncoderViT`): patches -> transformer blocks, most of them windowed -> a neck of two
/// convolutions. With `adapter` the encoder of SAM-Med2D.
/// [B, 3, S, S] normalised RGB -> [B, out_channels, S / patch, S / patch]
class ImageEncoderImpl : public torch::nn::Module {
 public:
  explicit ImageEncoderImpl(const EncoderConfig& config);
  torch::Tensor forward(const torch::Tensor& image);
  /// Packs the blocks' weights for inference; they are no parameters any more. Returns how many were packed.
  std::int64_t pack(nn::PackPolicy policy);

 private:
  /// Holds the convolution under its published name, `patch_embed.proj`.
  struct PatchEmbed : torch::nn::Module {
    explicit PatchEmbed(const EncoderConfig& config);
    torch::nn::Conv2d proj{nullptr};
  };

  std::shared_ptr<PatchEmbed> patch_embed;
  torch::Tensor pos_embed;  // 1,grid,grid,embed_dim
  torch::nn::ModuleList blocks;
  torch::nn::Sequential neck;
};
TORCH_MODULE(ImageEncoder);

}  // namespace automed::models
