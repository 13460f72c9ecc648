#pragma once

#include <cstdint>
#include <vector>

#include "models/preprocessing.h"
#include "pipeline/image.h"

namespace automed::pipeline {

/// The samples of an image with a window (PixelView::window), on the 0-255 scale of a display: (value - low) * 255 /
/// (high - low), held within it. `kExact`: float32. `kRounded`: uint8, the nearest whole level, halves upwards.
class DisplayLevels {
 public:
  DisplayLevels(const PixelView& pixels, models::Levels levels);
  /// Without a window. Points into this object.
  const PixelView& view() const { return view_; }

 private:
  std::vector<std::uint8_t> bytes_;
  PixelView view_;
};

}  // namespace automed::pipeline
