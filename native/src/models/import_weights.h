#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/config.h"

namespace automed::models {

/// What an import kept and what it did to it.
struct ImportReport {
  struct Conversion {
    std::string name;
    std::vector<std::int64_t> from, to;  // shapes
  };

  std::string format;  // of the file, e.g. `PyTorch zip`
  std::string prefix;  // that was dropped from names, e.g. `module._orig_mod.`
  std::int64_t tensors = 0;
  std::int64_t parameters = 0;  // elements, buffers such as running statistics not counted
  std::int64_t bytes = 0;       // of the tensors that were written
  std::vector<Conversion> converted;
  std::vector<std::string> left_out;   // of the file, e.g. `optimizer`, `classifier.0.weight`
  std::vector<std::string> untrained;  // written with random weights, because the file has none
};

/// Names and shapes of a base's state dict. ViT-H would take 2.5 GB to build; this builds two of its blocks.
struct ExpectedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  bool parameter;  // else a buffer
};
std::vector<ExpectedTensor> expected_state(const SamConfig& config);

/// What an import may do to a file that is not the architecture's as it stands.
struct BaseImportOptions {
  /// Position tables may be of another image size and are interpolated.
  bool resize_positions = false;
  /// The file is SAM's and the base has adapters, which start at random from this seed, as SAM-Med2D's training does.
  std::optional<std::uint64_t> adapter_seed = std::nullopt;
};

/// Writes the weights of a published SAM or SAM-Med2D (.pth or safetensors) as a base of `config`, tensor by tensor
/// from the mapped file, so that memory does not grow with the file. Names and shapes must be exactly the
/// architecture's; one Error(kCheckpointMismatch) lists what differs. What wrappers put in front of the names
/// (`module.`,
/// `_orig_mod.`, `model.`, any chain of those) is found by the names behind it and dropped; names without it are not
/// part of the model and are left out. With `resize_positions` the position embedding and the relative position tables
/// of the global blocks may be of another image size: they are interpolated as SAM-Med2D's `load_from` does (bilinear,
/// corners not aligned). That code also drops the mask tokens and the decoder's MLPs and starts them at random; here
/// they are kept, since nothing in their shapes depends on the image size.
ImportReport import_base(const std::string& source_path, const SamConfig& config, const BaseImportOptions& options,
                         const std::string& destination_path);

/// Writes torchvision's `mobilenet_v3_large` (the `features`; the classifier is left out) as the MobileNet of a head,
/// names `backbone.features.*`. The published weights have plain squeeze-and-excitation blocks: with `improved_se`
/// these are left out and the paper's blocks written at random from `seed`.
ImportReport import_mobilenet(const std::string& source_path, bool improved_se, std::uint64_t seed,
                              const std::string& destination_path);

/// Writes HarDNet-85's published trunk, `base.0` to `base.18`, as AutoSAM's backbone, names `backbone.base.*`. The
/// classifier is left out.
ImportReport import_hardnet(const std::string& source_path, const std::string& destination_path);

}  // namespace automed::models
