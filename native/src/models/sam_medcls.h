#pragma once

#include <torch/torch.h>

#include "models/channel_attention.h"
#include "models/config.h"
#include "models/medcls_head.h"
#include "models/mobilenet_v3.h"
#include "models/pyramid_pooling.h"
#include "models/sam.h"
#include "models/spatial_attention.h"

namespace automed::models {

/// SAM-MedCls (Fig. 6) without its frozen base: what is trained and stored as a model.
class SamMedClsImpl : public torch::nn::Module {
 public:
  SamMedClsImpl(const SamConfig& base, const HeadConfig& config);

  /// image [B, 3, S, S] normalised, embedding [B, C, g, g] of the base's image encoder -> logits [B, classes]
  torch::Tensor forward(const torch::Tensor& image, const torch::Tensor& embedding);

  MobileNetV3 backbone{nullptr};
  MedClsHead head{nullptr};
};
TORCH_MODULE(SamMedCls);

}  // namespace automed::models
