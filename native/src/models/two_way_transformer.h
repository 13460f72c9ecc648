#pragma once

#include <torch/torch.h>

#include <utility>

#include "core/between_steps.h"
#include "models/config.h"
#include "nn/decoder_attention.h"
#include "nn/mlp.h"

namespace automed::models {

/// One layer of the mask decoder's transformer (SAM, `TwoWayAttentionBlock`): tokens attend to themselves, to the
/// image, pass a perceptron, and the image attends back.
class TwoWayAttentionBlockImpl : public torch::nn::Module {
 public:
  /// The first layer attends to the bare tokens, without adding their encoding or the residual.
  TwoWayAttentionBlockImpl(std::int64_t width, const DecoderConfig& config, bool first);
  /// queries [B, N, C], keys [B, HW, C] and the encodings of each -> both updated
  std::pair<torch::Tensor, torch::Tensor> forward(const torch::Tensor& queries, const torch::Tensor& keys,
                                                  const torch::Tensor& query_pe, const torch::Tensor& key_pe);
  void pack(nn::Packer& packer, std::int64_t tokens, std::int64_t positions);

 private:
  bool first_;
  nn::DecoderAttention self_attn{nullptr};
  torch::nn::LayerNorm norm1{nullptr};
  nn::DecoderAttention cross_attn_token_to_image{nullptr};
  torch::nn::LayerNorm norm2{nullptr};
  nn::MLPBlock mlp{nullptr};
  torch::nn::LayerNorm norm3{nullptr};
  torch::nn::LayerNorm norm4{nullptr};
  nn::DecoderAttention cross_attn_image_to_token{nullptr};
};
TORCH_MODULE(TwoWayAttentionBlock);

/// The mask decoder's transformer (SAM, `TwoWayTransformer`).
class TwoWayTransformerImpl : public torch::nn::Module {
 public:
  TwoWayTransformerImpl(std::int64_t width, const DecoderConfig& config);
  /// image [B, C, H, W], its encoding [1 or B, C, H, W], tokens [B, N, C] -> tokens [B, N, C], image [B, HW, C]
  std::pair<torch::Tensor, torch::Tensor> forward(const torch::Tensor& image, const torch::Tensor& image_pe,
                                                  const torch::Tensor& tokens, const BetweenSteps& between = {});
  /// `tokens`, `positions`: how many of each a call will most often bring.
  void pack(nn::Packer& packer, std::int64_t tokens, std::int64_t positions);

 private:
  torch::nn::ModuleList layers;
  nn::DecoderAttention final_attn_token_to_image{nullptr};
  torch::nn::LayerNorm norm_final_attn{nullptr};
};
TORCH_MODULE(TwoWayTransformer);

}  // namespace automed::models
