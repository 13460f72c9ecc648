#pragma once

#include <torch/torch.h>

#include <string>
#include <variant>
#include <vector>

#include "core/between_steps.h"
#include "models/autosam.h"
#include "models/config.h"
#include "models/sam_automed.h"
#include "models/sam_medcls.h"
#include "nn/packed_weight.h"

namespace automed::models {

/// What stands on a base and is stored as a model. Its state dict is the model's file.
using Head = std::variant<SamAutoMed, SamMedCls, AutoSam>;

/// Random weights, a mask decoder of its own with the base's.
Head make_head(const HeadConfig& config, Sam& base);
/// Random weights throughout, for a state dict to be loaded.
Head bare_head(const HeadConfig& config, const SamConfig& base);
/// For inference: folds batch norms into convolutions and packs weights, which are no parameters any more.
void prepare_for_inference(Head& head, nn::Packer& packer, const SamConfig& base);
torch::nn::Module& module_of(Head& head);
/// The network beside the base's encoder, MobileNet or HarDNet; null where there is none.
torch::nn::Module* backbone_of(Head& head);

/// Normalised images B,3,S,S and their embeddings B,C,g,g (undefined where the head does not use them) -> mask logits
/// B,K,4g,4g or class logits B,classes, as the losses take them.
torch::Tensor head_forward(Head& head, const torch::Tensor& images, const torch::Tensor& embedding, Sam& base,
                           const BetweenSteps& between = {});

/// Mask logits of head_forward -> logits B,K,S,S of each pixel's probability: resized bilinearly, AutoSAM's after
/// stretching each map to [0, 1] as it does in training.
torch::Tensor full_size_logits(const Head& head, const torch::Tensor& low_res, std::int64_t image_size);

/// Names of the paper's systems and of its ablations: `automed`, `medcls`, `autosam`, and `SYSTEM-ABLATION`.
std::vector<std::string> head_config_names();
/// The head of a name for a base; beside an encoder narrower than ViT-B, MobileNet and HarDNet are of 0.35 width, or
/// they would dwarf it. `classes` counts for classification only. Throws kInvalidArgument (field `system`).
HeadConfig named_head_config(const std::string& name, const SamConfig& base, std::int64_t classes);

}  // namespace automed::models
