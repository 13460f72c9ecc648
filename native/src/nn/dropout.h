#pragma once

#include <torch/torch.h>

namespace automed::nn {

/// Sets the share of values that every dropout in `module` drops while training, `[0, 1)`; the published networks have
/// their own.
void set_dropout(torch::nn::Module& module, double share);

}  // namespace automed::nn
