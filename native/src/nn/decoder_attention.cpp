#include "nn/decoder_attention.h"

#include <cmath>

namespace automed::nn {

DecoderAttentionImpl::DecoderAttentionImpl(std::int64_t width, std::int64_t heads, std::int64_t downsample)
    : heads_(heads) {
  const std::int64_t inner = width / downsample;
  q_proj = register_module("q_proj", Linear(width, inner));
  k_proj = register_module("k_proj", Linear(width, inner));
  v_proj = register_module("v_proj", Linear(width, inner));
  out_proj = register_module("out_proj", Linear(inner, width));
}

void DecoderAttentionImpl::pack(Packer& packer, std::int64_t queries, std::int64_t keys) {
  q_proj->pack(packer, queries);
  k_proj->pack(packer, keys);
  v_proj->pack(packer, keys);
  out_proj->pack(packer, queries);
}

torch::Tensor DecoderAttentionImpl::split_heads(const torch::Tensor& x) const {
  return x.view({x.size(0), x.size(1), heads_, -1}).transpose(1, 2);  // B,heads,N,d
}

torch::Tensor DecoderAttentionImpl::forward(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  const torch::Tensor query = split_heads(q_proj->forward(q));
  const torch::Tensor key = split_heads(k_proj->forward(k));
  const torch::Tensor value = split_heads(v_proj->forward(v));
  const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(3)));
  // Softmax along a few keys is slow, across them it is not.
  const torch::Tensor weights = query.size(2) > key.size(2)
                                    ? torch::matmul(key, (query * scale).transpose(2, 3)).softmax(2).transpose(2, 3)
                                    : torch::matmul(query * scale, key.transpose(2, 3)).softmax(3);  // B,heads,Nq,Nk
  return out_proj->forward(torch::matmul(weights, value).transpose(1, 2).flatten(2));                // B,Nq,C
}

}  // namespace automed::nn
