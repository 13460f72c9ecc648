#include "models/medcls_head.h"

#include "models/channel_attention.h"

namespace automed::models {
namespace {

constexpr double kDropout = 0.1;

}  // namespace

MedClsHeadImpl::MedClsHeadImpl(const MedClsHeadOptions& options)
    : attention_(options.attention), features_(options.features) {
  const std::int64_t channels = options.channels;
  const bool both = features_ == HeadConfig::Features::kBoth;
  // Registered without attention too: the state dict does not depend on that ablation.
  if (both) spatial = register_module("spatial", SpatialAttention(channels));
  if (features_ != HeadConfig::Features::kEncoder) {
    base = register_module("base", nn::ConvBn(nn::ConvBnOptions{.in_channels = options.backbone_channels,
                                                                .out_channels = channels,
                                                                .kernel = 1,
                                                                .activation = nn::ConvActivation::kHardswish}));
  }
  mlp = register_module(
      "mlp", torch::nn::Sequential(torch::nn::Linear(both ? 2 * channels : channels, channels), torch::nn::ReLU(),
                                   torch::nn::Dropout(kDropout), torch::nn::Linear(channels, options.classes)));
}

torch::Tensor MedClsHeadImpl::forward(const torch::Tensor& prior, const torch::Tensor& features) {
  torch::Tensor x;
  switch (features_) {
    case HeadConfig::Features::kEncoder:
      x = prior;
      break;
    case HeadConfig::Features::kMobileNet:
      x = base->forward(features);
      break;
    case HeadConfig::Features::kBoth: {
      const torch::Tensor detail =
          torch::upsample_bilinear2d(base->forward(features), prior.sizes().slice(2), /*align_corners=*/false);
      x = torch::cat({attention_ ? spatial->forward(prior) : prior, detail}, 1);  // B,2C,g,g
      if (attention_) x = channel_attention(x);
      break;
    }
  }
  return mlp->forward(x.mean(torch::IntArrayRef{2, 3}));
}

}  // namespace automed::models
