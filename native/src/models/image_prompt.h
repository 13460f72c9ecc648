#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "models/config.h"
#include "models/mobilenet_v3.h"

namespace automed::models {

/// SAM-AutoMed's prompt branch (Fig. 3): the image itself becomes the query vectors of SAM's mask decoder. The
/// backbone's map is projected to the prompt width, flattened row by row, and given the prompt encoder's own positional
/// encoding. image [B, 3, S, S], gaussian [2, C / 2] -> tokens [B, (S / 32)^2, C]
class ImagePromptImpl : public torch::nn::Module {
 public:
  ImagePromptImpl(const MobileNetConfig& config, std::int64_t prompt_channels);
  torch::Tensor forward(const torch::Tensor& image, const torch::Tensor& gaussian);

  MobileNetV3 backbone{nullptr};

 private:
  torch::nn::Conv2d proj{nullptr};
};
TORCH_MODULE(ImagePrompt);

}  // namespace automed::models
