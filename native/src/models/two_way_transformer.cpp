#include "models/two_way_transformer.h"

namespace automed::models {
namespace {

torch::nn::LayerNorm norm(std::int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}));  // eps 1e-5
}

}  // namespace

TwoWayAttentionBlockImpl::TwoWayAttentionBlockImpl(std::int64_t width, const DecoderConfig& config, bool first)
    : first_(first) {
  const auto cross = [&] { return nn::DecoderAttention(width, config.heads, config.attention_downsample); };
  self_attn = register_module("self_attn", nn::DecoderAttention(width, config.heads));
  norm1 = register_module("norm1", norm(width));
  cross_attn_token_to_image = register_module("cross_attn_token_to_image", cross());
  norm2 = register_module("norm2", norm(width));
  mlp = register_module("mlp", nn::MLPBlock(width, config.mlp_dim, nn::Activation::kRelu));
  norm3 = register_module("norm3", norm(width));
  norm4 = register_module("norm4", norm(width));
  cross_attn_image_to_token = register_module("cross_attn_image_to_token", cross());
}

std::pair<torch::Tensor, torch::Tensor> TwoWayAttentionBlockImpl::forward(const torch::Tensor& queries,
                                                                          const torch::Tensor& keys,
                                                                          const torch::Tensor& query_pe,
                                                                          const torch::Tensor& key_pe) {
  torch::Tensor tokens;
  if (first_) {
    tokens = self_attn->forward(queries, queries, queries);
  } else {
    const torch::Tensor q = queries + query_pe;
    tokens = queries + self_attn->forward(q, q, queries);
  }
  tokens = norm1->forward(tokens);

  const torch::Tensor placed_keys = keys + key_pe;
  tokens = norm2->forward(tokens + cross_attn_token_to_image->forward(tokens + query_pe, placed_keys, keys));
  tokens = norm3->forward(tokens + mlp->forward(tokens));

  const torch::Tensor image =
      norm4->forward(keys + cross_attn_image_to_token->forward(placed_keys, tokens + query_pe, tokens));
  return {tokens, image};
}

void TwoWayAttentionBlockImpl::pack(nn::Packer& packer, std::int64_t tokens, std::int64_t positions) {
  self_attn->pack(packer, tokens, tokens);
  cross_attn_token_to_image->pack(packer, tokens, positions);
  mlp->pack(packer, tokens);
  cross_attn_image_to_token->pack(packer, positions, tokens);
}

TwoWayTransformerImpl::TwoWayTransformerImpl(std::int64_t width, const DecoderConfig& config) {
  layers = register_module("layers", torch::nn::ModuleList());
  for (std::int64_t i = 0; i < config.depth; ++i) layers->push_back(TwoWayAttentionBlock(width, config, i == 0));
  final_attn_token_to_image = register_module("final_attn_token_to_image",
                                              nn::DecoderAttention(width, config.heads, config.attention_downsample));
  norm_final_attn = register_module("norm_final_attn", norm(width));
}

void TwoWayTransformerImpl::pack(nn::Packer& packer, std::int64_t tokens, std::int64_t positions) {
  for (const auto& layer : *layers) layer->as<TwoWayAttentionBlock>()->pack(packer, tokens, positions);
  final_attn_token_to_image->pack(packer, tokens, positions);
}

std::pair<torch::Tensor, torch::Tensor> TwoWayTransformerImpl::forward(const torch::Tensor& image,
                                                                       const torch::Tensor& image_pe,
                                                                       const torch::Tensor& tokens,
                                                                       const BetweenSteps& between) {
  torch::Tensor queries = tokens;
  // In memory as they are read: every layer reads both several times.
  torch::Tensor keys = image.flatten(2).transpose(1, 2).contiguous();             // B,HW,C
  const torch::Tensor key_pe = image_pe.flatten(2).transpose(1, 2).contiguous();  // 1,HW,C
  for (const auto& layer : *layers) {
    std::tie(queries, keys) = layer->as<TwoWayAttentionBlock>()->forward(queries, keys, tokens, key_pe);
    look_up(between);
  }
  const torch::Tensor attended = final_attn_token_to_image->forward(queries + tokens, keys + key_pe, keys);
  return {norm_final_attn->forward(queries + attended), keys};
}

}  // namespace automed::models
