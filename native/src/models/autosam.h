#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "models/config.h"
#include "models/hardnet.h"
#include "models/sam.h"

namespace automed::models {

/// AutoSAM's upsampling step (`UpBlockSkip`): twice the size bilinearly, the skip beside it, two convolutions without
/// an activation between them, batch norm, leaky ReLU. x [B, C, h, w], skip [B, C', 2h, 2w] -> [B, out, 2h, 2w]
class UpBlockImpl : public torch::nn::Module {
 public:
  UpBlockImpl(std::int64_t in_channels, std::int64_t skip_channels, std::int64_t out_channels);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& skip);

 private:
  torch::nn::Conv2d conv1{nullptr};
  torch::nn::Conv2d conv2{nullptr};
  nn::BatchNorm norm{nullptr};  // registered as `BN`
};
TORCH_MODULE(UpBlock);

/// The two convolutions that end the decoder (`CNNBlock`). The second norm is registered, because it is in the
/// published file, and not used, because the published code does not. [B, C, h, w] -> [B, out, h, w]
class FinalBlockImpl : public torch::nn::Module {
 public:
  FinalBlockImpl(std::int64_t in_channels, std::int64_t out_channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d conv1{nullptr};
  torch::nn::Conv2d conv2{nullptr};
  nn::BatchNorm norm1{nullptr};  // registered as `BN1`
  nn::BatchNorm norm2{nullptr};  // registered as `BN2`
};
TORCH_MODULE(FinalBlock);

/// AutoSAM's `SmallDecoder`: HarDNet's maps at 1/16, 1/8 and 1/4 -> tanh prompt [B, out, S / 4, S / 4]. The maps at 1/2
/// and 1/32 are not used.
class SmallDecoderImpl : public torch::nn::Module {
 public:
  /// `channels` of HarDNet's five maps.
  SmallDecoderImpl(const std::vector<std::int64_t>& channels, const HarDNetConfig& config, std::int64_t out_channels);
  torch::Tensor forward(const std::vector<torch::Tensor>& maps);

 private:
  UpBlock up1{nullptr};
  UpBlock up2{nullptr};
  FinalBlock final{nullptr};
};
TORCH_MODULE(SmallDecoder);

/// AutoSAM (Shaharabany et al. 2023) without its frozen SAM: what is trained and stored as a model, a HarDNet and a
/// small decoder that turn the image into SAM's dense prompt. SAM's own decoder draws the one mask; nothing of SAM is
/// trained.
///
/// Published for SAM's 64 x 64 embedding. Here the prompt is resized to the grid of whatever base it stands on, which
/// for SAM-Med2D is 16 x 16.
class AutoSamImpl : public torch::nn::Module {
 public:
  AutoSamImpl(const SamConfig& base, const HeadConfig& config);

  /// The dense prompt: image [B, 3, S, S] normalised -> [B, C, grid, grid] in (-1, 1). The image is resized to the
  /// config's `input_size` and the prompt to the grid bilinearly, both with align_corners, as published.
  torch::Tensor prompt(const torch::Tensor& image, std::int64_t grid, const BetweenSteps& between = {});

  /// image [B, 3, S, S] normalised, embedding [B, C, g, g] -> logits [B, 1, 4g, 4g] of the base's decoder
  torch::Tensor forward(const torch::Tensor& image, const torch::Tensor& embedding, Sam& base,
                        const BetweenSteps& between = {});

  HarDNet backbone{nullptr};
  SmallDecoder decoder{nullptr};

 private:
  std::int64_t input_size_;
};
TORCH_MODULE(AutoSam);

/// AutoSAM's reading of its logits, in training and in use (`norm_batch`): each image's map stretched to [0, 1] by its
/// own least and greatest value; foreground is above 0.5. So it always draws something. [B, 1, h, w] -> the same shape
torch::Tensor stretch_masks(const torch::Tensor& logits);

}  // namespace automed::models
