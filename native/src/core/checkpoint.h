#pragma once

#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "core/safetensors.h"
#include "core/weights_source.h"

namespace automed {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

/// Parameters and buffers under their registered names, as Python's `state_dict()` (the tensors are shared, not
/// copied). `prefix` is put before each name, with a dot between when it has none.
NamedTensors state_dict(const torch::nn::Module& module, const std::string& prefix = "");

/// How the names and shapes of a checkpoint differ from those that are wanted.
struct Mismatch {
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
  std::vector<std::string> different;  ///< name and both shapes, see add_shape

  void add_shape(const std::string& name, torch::IntArrayRef actual, torch::IntArrayRef expected);
  /// One Error(kCheckpointMismatch) that lists everything, unless there is nothing.
  void check() const;
};

/// NaN or infinity is Error(kCheckpointCorrupt) that names the tensor.
void check_finite(const std::string& name, const torch::Tensor& tensor);

/// What load_strict() throws. `start` is how the names of the file begin that the targets must be all of.
void check_fits(const NamedTensors& targets, const WeightsSource& file, const std::string& start = "");

/// Copies every tensor of the state dict from the file, or changes nothing. The file must hold exactly the module's
/// names (with a `prefix`: exactly among those that start with it), each in the module's shape; one
/// Error(kCheckpointMismatch) lists everything missing, unexpected and mis-shaped. NaN or infinity is
/// Error(kCheckpointCorrupt).
void load_strict(torch::nn::Module& module, const WeightsSource& file, const std::string& prefix = "");

}  // namespace automed
