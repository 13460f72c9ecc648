#pragma once

#include "models/preprocessing.h"
#include "pipeline/image.h"

namespace automed::pipeline {

/// What brings stored samples to the 0-255 scale: (value - low) * factor, held within it. Not mapped: each type's own
/// rule.
struct ValueScale {
  bool mapped = false;
  float low = 0;
  float factor = 1;
};

/// What an intensity means for an image. A percentile is the sample at that share of their order, the nearest below; an
/// image whose two percentiles are one value becomes 0 all over.
ValueScale value_scale(const PixelView& pixels, const models::Intensity& intensity);

}  // namespace automed::pipeline
