#include "models/sam_medcls.h"

namespace automed::models {

SamMedClsImpl::SamMedClsImpl(const SamConfig& base, const HeadConfig& config) {
  backbone = register_module("backbone", MobileNetV3(config.mobilenet));
  head = register_module("head", MedClsHead(MedClsHeadOptions{.classes = config.classes,
                                                              .backbone_channels = backbone->out_channels(),
                                                              .channels = base.encoder.out_channels,
                                                              .attention = config.attention}));
}

torch::Tensor SamMedClsImpl::forward(const torch::Tensor& image, const torch::Tensor& embedding) {
  return head->forward(embedding, backbone->forward(image));
}

}  // namespace automed::models
