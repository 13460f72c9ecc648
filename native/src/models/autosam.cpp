#include "models/autosam.h"

namespace automed::models {
namespace {

constexpr std::int64_t kUp1 = 320;
constexpr std::int64_t kUp2 = 192;
constexpr double kLeak = 0.01;
constexpr double kStretchEps = 1e-6;

torch::nn::Conv2d conv3x3(std::int64_t from, std::int64_t to) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, 3).padding(1));
}

torch::Tensor resize_aligned(const torch::Tensor& x, std::int64_t edge) {
  if (x.size(2) == edge && x.size(3) == edge) return x;
  return torch::upsample_bilinear2d(x, {edge, edge}, /*align_corners=*/true);
}

}  // namespace

UpBlockImpl::UpBlockImpl(std::int64_t in_channels, std::int64_t skip_channels, std::int64_t out_channels) {
  conv1 = register_module("conv1", conv3x3(in_channels + skip_channels, out_channels));
  conv2 = register_module("conv2", conv3x3(out_channels, out_channels));
  norm = register_module("BN", nn::BatchNorm(out_channels));
}

torch::Tensor UpBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& skip) {
  const torch::Tensor larger = torch::upsample_bilinear2d(x, skip.sizes().slice(2), /*align_corners=*/false);
  const torch::Tensor joined = torch::cat({larger, skip}, 1);  // B,C+C',2h,2w
  return torch::leaky_relu(norm->forward(conv2->forward(conv1->forward(joined))), kLeak);
}

FinalBlockImpl::FinalBlockImpl(std::int64_t in_channels, std::int64_t out_channels) {
  conv1 = register_module("conv1", conv3x3(in_channels, out_channels));
  conv2 = register_module("conv2", conv3x3(out_channels, out_channels));
  norm1 = register_module("BN1", nn::BatchNorm(out_channels));
  norm2 = register_module("BN2", nn::BatchNorm(out_channels));
}

torch::Tensor FinalBlockImpl::forward(const torch::Tensor& x) {
  return conv2->forward(torch::relu(norm1->forward(conv1->forward(x))));
}

SmallDecoderImpl::SmallDecoderImpl(const std::vector<std::int64_t>& channels, const HarDNetConfig& config,
                                   std::int64_t out_channels) {
  const std::int64_t first = scale_channels(kUp1, config.width);
  const std::int64_t second = scale_channels(kUp2, config.width);
  up1 = register_module("up1", UpBlock(channels[3], channels[2], first));
  up2 = register_module("up2", UpBlock(first, channels[1], second));
  final = register_module("final", FinalBlock(second, out_channels));
}

torch::Tensor SmallDecoderImpl::forward(const std::vector<torch::Tensor>& maps) {
  const torch::Tensor eighth = up1->forward(maps[3], maps[2]);
  return torch::tanh(final->forward(up2->forward(eighth, maps[1])));
}

AutoSamImpl::AutoSamImpl(const SamConfig& base, const HeadConfig& config) : input_size_(config.hardnet.input_size) {
  backbone = register_module("backbone", HarDNet(config.hardnet));
  decoder = register_module("decoder", SmallDecoder(backbone->channels(), config.hardnet, base.encoder.out_channels));
}

torch::Tensor AutoSamImpl::prompt(const torch::Tensor& image, std::int64_t grid, const BetweenSteps& between) {
  const torch::Tensor input = resize_aligned(image, input_size_);
  return resize_aligned(decoder->forward(backbone->forward(input, between)), grid);
}

torch::Tensor AutoSamImpl::forward(const torch::Tensor& image, const torch::Tensor& embedding, Sam& base,
                                   const BetweenSteps& between) {
  const torch::Tensor dense = prompt(image, embedding.size(2), between);
  look_up(between);
  torch::Tensor dense_pe;
  {
    torch::NoGradGuard no_grad;
    dense_pe = base->prompt_encoder->dense_pe();
  }
  const torch::Tensor sparse = torch::empty({image.size(0), 0, embedding.size(1)}, embedding.options());
  return base->mask_decoder->forward(embedding, dense_pe, sparse, dense, /*multimask=*/false, between).masks;
}

torch::Tensor stretch_masks(const torch::Tensor& logits) {
  const torch::Tensor flat = logits.flatten(1);  // B,hw
  const torch::Tensor low = flat.amin(1, /*keepdim=*/true);
  const torch::Tensor high = flat.amax(1, /*keepdim=*/true);
  return ((flat - low) / (high - low + kStretchEps)).view_as(logits);
}

}  // namespace automed::models
