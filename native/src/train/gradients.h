#pragma once

#include <torch/torch.h>

#include <vector>

namespace automed::train {

/// Euclidean norm of all gradients together; not finite as soon as one of their elements is not. Parameters without a
/// gradient count nothing.
double gradient_norm(const std::vector<torch::Tensor>& parameters);

/// Scales all gradients by one factor so that their norm becomes `limit`, unless it is smaller. `norm` as
/// gradient_norm gave it, finite.
void clip_gradients(const std::vector<torch::Tensor>& parameters, double norm, double limit);

}  // namespace automed::train
