#include "models/image_prompt.h"

#include "nn/position_encoding.h"

namespace automed::models {

ImagePromptImpl::ImagePromptImpl(const MobileNetConfig& config, std::int64_t prompt_channels) {
  backbone = register_module("backbone", MobileNetV3(config));
  proj = register_module("proj",
                         torch::nn::Conv2d(torch::nn::Conv2dOptions(backbone->out_channels(), prompt_channels, 1)));
}

torch::Tensor ImagePromptImpl::forward(const torch::Tensor& image, const torch::Tensor& gaussian) {
  const torch::Tensor map = proj->forward(backbone->forward(image));  // B,C,h,w
  const torch::Tensor encoding = nn::grid_encoding(gaussian, map.size(2), map.size(3));
  return (map + encoding).flatten(2).transpose(1, 2);  // B,hw,C
}

}  // namespace automed::models
