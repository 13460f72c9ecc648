#include "models/sam_medcls.h"

namespace automed::models {

SamMedClsImpl::SamMedClsImpl(const SamConfig& base, const HeadConfig& config) {
  MedClsHeadOptions options{.classes = config.classes,
                            .backbone_channels = 0,
                            .channels = base.encoder.out_channels,
                            .attention = config.attention,
                            .features = config.features};
  if (config.features != HeadConfig::Features::kEncoder) {
    backbone = register_module("backbone", MobileNetV3(config.mobilenet));
    options.backbone_channels = backbone->out_channels();
  }
  head = register_module("head", MedClsHead(options));
}

torch::Tensor SamMedClsImpl::forward(const torch::Tensor& image, const torch::Tensor& embedding,
                                     const BetweenSteps& between) {
  const torch::Tensor map = backbone.is_empty() ? torch::Tensor() : backbone->forward(image);
  look_up(between);
  return head->forward(embedding, map);
}

std::pair<torch::Tensor, torch::Tensor> SamMedClsImpl::leave_one_out(const torch::Tensor& image,
                                                                     const torch::Tensor& embedding) {
  return head->leave_one_out(embedding, backbone.is_empty() ? torch::Tensor() : backbone->forward(image));
}

}  // namespace automed::models
