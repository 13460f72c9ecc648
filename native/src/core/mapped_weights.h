#pragma once

#include <torch/torch.h>

#include "core/weights_source.h"

namespace automed {

/// While it lives, modules that this thread makes have weights of any value, for those of a file to take their place:
/// to draw the 270 million of SAM-Med2D's ViT-B at random takes a second.
class WithoutRandomWeights {
 public:
  WithoutRandomWeights();

 private:
  c10::impl::IncludeDispatchKeyGuard guard_;
};

/// As load_strict(), but tensors of the file's own type become views of it, which are read when they are used. Weights
/// that are packed then are in memory once; own_weights() must follow.
void map_strict(torch::nn::Module& module, const WeightsSource& file);

/// Copies what is left in the file, so that nothing depends on it any more.
void own_weights(torch::nn::Module& module);

}  // namespace automed
