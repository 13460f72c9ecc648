#pragma once

#include <torch/torch.h>

#include "core/error.h"

namespace automed::pipeline {

/// Whether no value is NaN or Inf.
bool is_finite(const torch::Tensor& values);

/// kNonFiniteOutput: what a model computed cannot be answered. `what`: the tensor, e.g. "embedding".
Error non_finite(const char* what);

/// Throws non_finite() unless every value is finite.
void check_finite(const torch::Tensor& values, const char* what);

}  // namespace automed::pipeline
