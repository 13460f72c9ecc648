#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

namespace automed::train {

/// How Adam decays weights.
enum class WeightDecay {
  kL2,        ///< Adam (Kingma and Ba, 2015): added to the gradients
  kDecoupled  ///< AdamW (Loshchilov and Hutter, 2019): taken off the weights
};

/// torch::optim::Adam or AdamW, whose step on a CPU is one pass over the memory of a parameter in place of eight,
/// without temporary tensors. What it saves and loads is theirs.
std::unique_ptr<torch::optim::Optimizer> make_fused_adam(std::vector<torch::Tensor> parameters, double learning_rate,
                                                         double weight_decay, WeightDecay kind);

}  // namespace automed::train
