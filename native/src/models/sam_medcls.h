#pragma once

#include <torch/torch.h>

#include <utility>

#include "core/between_steps.h"
#include "models/channel_attention.h"
#include "models/config.h"
#include "models/medcls_head.h"
#include "models/mobilenet_v3.h"
#include "models/pyramid_pooling.h"
#include "models/sam.h"
#include "models/spatial_attention.h"

namespace automed::models {

/// SAM-MedCls (Fig. 6) without its frozen base: what is trained and stored as a model. The ablations of Table 10 leave
/// out the attention, the MobileNet, or the base's features; what is left out is not registered.
class SamMedClsImpl : public torch::nn::Module {
 public:
  SamMedClsImpl(const SamConfig& base, const HeadConfig& config);

  /// image [B, 3, S, S] normalised, embedding [B, C, g, g] of the base's image encoder -> logits [B, classes]. Either
  /// may be undefined where the config does not use it.
  torch::Tensor forward(const torch::Tensor& image, const torch::Tensor& embedding, const BetweenSteps& between = {});
  /// As MedClsHeadImpl::leave_one_out.
  std::pair<torch::Tensor, torch::Tensor> leave_one_out(const torch::Tensor& image, const torch::Tensor& embedding);

  MobileNetV3 backbone{nullptr};  // null with the encoder's features alone
  MedClsHead head{nullptr};
};
TORCH_MODULE(SamMedCls);

}  // namespace automed::models
