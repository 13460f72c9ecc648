#include "models/image_encoder.h"

#include <algorithm>

#include "nn/layer_norm_2d.h"
#include "nn/vit_block.h"

namespace automed::models {

ImageEncoderImpl::PatchEmbed::PatchEmbed(const EncoderConfig& config) {
  proj = register_module(
      "proj",
      torch::nn::Conv2d(torch::nn::Conv2dOptions(3, config.embed_dim, config.patch_size).stride(config.patch_size)));
}

ImageEncoderImpl::ImageEncoderImpl(const EncoderConfig& config) {
  patch_embed = register_module("patch_embed", std::make_shared<PatchEmbed>(config));
  pos_embed = register_parameter("pos_embed", torch::zeros({1, config.grid(), config.grid(), config.embed_dim}));
  blocks = register_module("blocks", torch::nn::ModuleList());
  const auto& global = config.global_blocks;
  for (std::int64_t i = 0; i < config.depth; ++i) {
    const bool is_global = std::find(global.begin(), global.end(), i) != global.end();
    blocks->push_back(nn::ViTBlock(nn::ViTBlockOptions{.width = config.embed_dim,
                                                       .heads = config.heads,
                                                       .mlp_ratio = config.mlp_ratio,
                                                       .window = is_global ? 0 : config.window_size,
                                                       .grid = config.grid(),
                                                       .adapter = config.adapter}));
  }
  const auto conv = [](std::int64_t from, std::int64_t to, std::int64_t kernel) {
    return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, kernel).padding(kernel / 2).bias(false));
  };
  neck = register_module(
      "neck",
      torch::nn::Sequential(conv(config.embed_dim, config.out_channels, 1), nn::LayerNorm2d(config.out_channels),
                            conv(config.out_channels, config.out_channels, 3), nn::LayerNorm2d(config.out_channels)));
}

torch::Tensor ImageEncoderImpl::forward(const torch::Tensor& image, const KeepRows& keep) {
  torch::Tensor x = patch_embed->proj->forward(image).permute({0, 2, 3, 1}) + pos_embed;  // B,grid,grid,C
  for (const auto& block : *blocks) {
    x = block->as<nn::ViTBlock>()->forward(x);
    const auto rows = keep ? keep() : std::nullopt;
    if (rows) x = x.index_select(0, rows->to(x.device()));
  }
  return neck->forward(x.permute({0, 3, 1, 2})).contiguous();  // B,out,grid,grid
}

std::int64_t ImageEncoderImpl::pack(nn::PackPolicy policy) {
  nn::Packer packer(policy);
  for (const auto& block : *blocks) block->as<nn::ViTBlock>()->pack(packer);
  return packer.packed();
}

}  // namespace automed::models
