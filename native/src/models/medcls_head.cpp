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

torch::Tensor MedClsHeadImpl::attended(const torch::Tensor& prior, const torch::Tensor& features) {
  if (features_ == HeadConfig::Features::kEncoder) return prior;
  torch::Tensor projected = base->forward(features);
  if (features_ == HeadConfig::Features::kMobileNet) return projected;
  const torch::Tensor detail = torch::upsample_bilinear2d(projected, prior.sizes().slice(2), /*align_corners=*/false);
  const torch::Tensor x = torch::cat({attention_ ? spatial->forward(prior) : prior, detail}, 1);  // B,2C,g,g
  return attention_ ? channel_attention(x) : x;
}

torch::Tensor MedClsHeadImpl::forward(const torch::Tensor& prior, const torch::Tensor& features) {
  return mlp->forward(attended(prior, features).mean(torch::IntArrayRef{2, 3}));
}

std::pair<torch::Tensor, torch::Tensor> MedClsHeadImpl::leave_one_out(const torch::Tensor& prior,
                                                                      const torch::Tensor& features) {
  const torch::Tensor x = attended(prior, features);
  const torch::Tensor places = x.permute({0, 2, 3, 1});                              // B,h,w,channels
  const torch::Tensor sum = places.sum(torch::IntArrayRef{1, 2}, /*keepdim=*/true);  // B,1,1,channels
  const auto others = static_cast<double>(x.size(2) * x.size(3) - 1);
  return {mlp->forward(x.mean(torch::IntArrayRef{2, 3})), mlp->forward((sum - places) / others)};
}

}  // namespace automed::models
