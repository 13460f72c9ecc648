#include "nn/vit_block.h"

namespace automed::nn {
namespace {

constexpr double kBlockNormEps = 1e-6;

torch::nn::LayerNorm norm(std::int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(kBlockNormEps));
}

}  // namespace

ViTBlockImpl::ViTBlockImpl(const ViTBlockOptions& options) : grid_(options.grid) {
  norm1 = register_module("norm1", norm(options.width));
  attn = register_module("attn", WindowAttention(options.width, options.heads, options.window, options.grid));
  norm2 = register_module("norm2", norm(options.width));
  mlp = register_module("mlp", MLPBlock(options.width, options.width * options.mlp_ratio, Activation::kGelu));
  if (options.adapter) adapter = register_module("Adapter", Adapter(options.width));
}

torch::Tensor ViTBlockImpl::forward(const torch::Tensor& x) {
  const torch::Tensor attended = x + attn->forward(norm1->forward(x));
  const torch::Tensor normed = norm2->forward(attended);
  const torch::Tensor y = attended + mlp->forward(normed);
  return adapter ? y + adapter->forward(normed) : y;
}

void ViTBlockImpl::pack(Packer& packer) {
  attn->pack(packer, grid_ * grid_);
  mlp->pack(packer, grid_ * grid_);
  if (adapter) adapter->pack(packer, grid_);
}

}  // namespace automed::nn
