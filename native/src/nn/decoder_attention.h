#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "nn/linear.h"

namespace automed::nn {

/// The mask decoder's attention (SAM, `transformer.Attention`): the projections may be narrower than the embedding.
/// q [B, Nq, C], k and v [B, Nk, C] -> [B, Nq, C]
class DecoderAttentionImpl : public torch::nn::Module {
 public:
  DecoderAttentionImpl(std::int64_t width, std::int64_t heads, std::int64_t downsample = 1);
  torch::Tensor forward(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v);
  /// `queries`, `keys`: how many vectors a call will most often bring.
  void pack(Packer& packer, std::int64_t queries, std::int64_t keys);

 private:
  torch::Tensor split_heads(const torch::Tensor& x) const;

  std::int64_t heads_;
  Linear q_proj{nullptr};
  Linear k_proj{nullptr};
  Linear v_proj{nullptr};
  Linear out_proj{nullptr};
};
TORCH_MODULE(DecoderAttention);

}  // namespace automed::nn
