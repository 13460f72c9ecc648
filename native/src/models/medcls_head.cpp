#include "models/medcls_head.h"

#include "models/channel_attention.h"

namespace automed::models {
namespace {

constexpr double kDropout = 0.1;

}  // namespace

MedClsHeadImpl::MedClsHeadImpl(const MedClsHeadOptions& options) : attention_(options.attention) {
  const std::int64_t channels = options.channels;
  // Registered without attention too: the state dict does not depend on the ablation.
  spatial = register_module("spatial", SpatialAttention(channels));
  base = register_module("base", nn::ConvBn(nn::ConvBnOptions{.in_channels = options.backbone_channels,
                                                              .out_channels = channels,
                                                              .kernel = 1,
                                                              .activation = nn::ConvActivation::kHardswish}));
  mlp = register_module(
      "mlp", torch::nn::Sequential(torch::nn::Linear(2 * channels, channels), torch::nn::ReLU(),
                                   torch::nn::Dropout(kDropout), torch::nn::Linear(channels, options.classes)));
}

torch::Tensor MedClsHeadImpl::forward(const torch::Tensor& prior, const torch::Tensor& features) {
  const torch::Tensor detail =
      torch::upsample_bilinear2d(base->forward(features), prior.sizes().slice(2), /*align_corners=*/false);
  torch::Tensor x = torch::cat({attention_ ? spatial->forward(prior) : prior, detail}, 1);  // B,2C,g,g
  if (attention_) x = channel_attention(x);
  return mlp->forward(x.mean(torch::IntArrayRef{2, 3}));
}

}  // namespace automed::models
