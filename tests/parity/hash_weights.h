#pragma once

#include <torch/torch.h>

#include <string>

namespace automed::parity {

/// Weights and pixels that are computed from a tensor's name, bit for bit as the reference's `hash_weights.py` does:
/// full-size models can be compared without shipping a gigabyte.
torch::Tensor hash_tensor(const std::string& name, torch::IntArrayRef shape);

/// uint8 values of the given shape.
torch::Tensor hash_pixels(const std::string& name, torch::IntArrayRef shape);

/// Fills every parameter and buffer of a module; `prefix` is put before the registered names.
void fill_from_hash(torch::nn::Module& module, const std::string& prefix = "");

}  // namespace automed::parity
