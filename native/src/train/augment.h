#pragma once

#include <cstdint>
#include <optional>

#include "train/sample_store.h"

namespace automed::train {

struct AugmentOptions {
  bool horizontal_flip = false;  ///< with probability 1/2
  bool vertical_flip = false;    ///< with probability 1/2
  double rotation_degrees = 0;   ///< drawn uniformly from (-degrees, degrees)
  /// Above 0 the rotation is drawn from this many angles, evenly spaced in (-degrees, degrees), so that a sample looks
  /// the same again in a later epoch; 0 draws it freely.
  std::int64_t rotation_steps = 0;
};

/// One draw of the augmentation.
struct Transform {
  bool horizontal = false;
  bool vertical = false;
  double degrees = 0;
  /// The same number for the same transform under the same options, 0 for none; nothing where the rotation is free.
  std::optional<std::uint32_t> variant = 0;
};

/// The draw depends on `seed`, `epoch` and `index` alone, never on the order in which samples are visited.
Transform draw_transform(const AugmentOptions& options, std::uint64_t seed, std::uint64_t epoch, std::uint64_t index);

/// Transforms image and mask alike: the image bilinearly, filled with 0 (which is the mean colour after normalisation),
/// the mask by nearest neighbour, filled with background.
Sample apply_transform(Sample sample, const Transform& transform);

/// Both: one random geometric transform.
Sample augment(Sample sample, const AugmentOptions& options, std::uint64_t seed, std::uint64_t epoch,
               std::uint64_t index);

/// Mixes numbers into a seed (SplitMix64).
std::uint64_t mix_seed(std::uint64_t a, std::uint64_t b);

/// A number in [0, 1) whose bits are the same with every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  double uniform();
  /// In [0, n), n > 0.
  std::uint64_t below(std::uint64_t n);

 private:
  std::uint64_t state_;
};

}  // namespace automed::train
