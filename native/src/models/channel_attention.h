#pragma once

#include <torch/torch.h>

namespace automed::models {

/// SAM-MedCls' channel attention without parameters (Fig. 8, Eqs. 5 and 6): softmax(X X^T) X + X on C x N.
/// [B, C, H, W] -> [B, C, H, W]
torch::Tensor channel_attention(const torch::Tensor& x);

}  // namespace automed::models
