#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace automed::nn {

/// The mask decoder's attention (SAM, `transformer.Attention`): the projections may be narrower than the embedding.
/// q [B, Nq, C], k and v [B, Nk, C] -> [B, Nq, C]
class DecoderAttentionImpl : public torch::nn::Module {
 public:
  DecoderAttentionImpl(std::int64_t width, std::int64_t heads, std::int64_t downsample = 1);
  torch::Tensor forward(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v);

 private:
  torch::Tensor split_heads(const torch::Tensor& x) const;

  std::int64_t heads_;
  torch::nn::Linear q_proj{nullptr};
  torch::nn::Linear k_proj{nullptr};
  torch::nn::Linear v_proj{nullptr};
  torch::nn::Linear out_proj{nullptr};
};
TORCH_MODULE(DecoderAttention);

}  // namespace automed::nn
