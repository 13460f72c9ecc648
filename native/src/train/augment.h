#pragma once

#include <cstdint>

#include "train/sample_store.h"

namespace automed::train {

struct AugmentOptions {
  bool horizontal_flip = false;  ///< with probability 1/2
  bool vertical_flip = false;    ///< with probability 1/2
  double rotation_degrees = 0;   ///< drawn uniformly from (-degrees, degrees)
};

/// Applies one random geometric transform to image and mask alike: the image bilinearly, filled with 0 (which is the
/// mean colour after normalisation), the mask by nearest neighbour, filled with background. The draw depends on `seed`,
/// `epoch` and `index` alone, never on the order in which samples are visited.
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
