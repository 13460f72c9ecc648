#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "models/config.h"
#include "nn/packed_weight.h"

namespace automed::models {

/// Asked between the blocks of an encoder: int64 indices, ascending, of the rows of the batch that go on; nothing where
/// all do. May throw to end the pass.
using KeepRows = std::function<std::optional<torch::Tensor>()>;

/// SAM's image encoder (`ImageEncoderViT`): patches -> transformer blocks, most of them windowed -> a neck of two
/// convolutions. With `adapter` the encoder of SAM-Med2D.
/// [B, 3, S, S] normalised RGB -> [B, out_channels, S / patch, S / patch]
class ImageEncoderImpl : public torch::nn::Module {
 public:
  explicit ImageEncoderImpl(const EncoderConfig& config);
  /// Rows that `keep` lets go are no part of the result.
  torch::Tensor forward(const torch::Tensor& image, const KeepRows& keep = {});
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
