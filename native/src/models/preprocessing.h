#pragma once

#include <string>

#include "core/json.h"

namespace automed::models {

/// How an image is brought to the square input of a base.
enum class Fit {
  kPadOrStretch,  ///< the paper's: smaller images are padded in the centre, others resized without keeping the aspect
  kLongestSide,   ///< SAM's: resized by the longest side, then padded on the right and below
  kStretch,       ///< SAM-Med2D's predictor: every image is resized without keeping the aspect
};

/// In which order the colours reach the network. Mean and deviation keep their positions: in BGR, blue is normalised by
/// the first mean.
enum class Channels { kRgb, kBgr };

enum class Resize {
  kBilinear,
  kNearest,  ///< OpenCV's INTER_NEAREST
};

/// What stored samples mean on the 0-255 scale that networks expect.
struct Intensity {
  enum class Policy {
    kFull,        ///< integers fill the range of their type; float is on the 0-255 scale already
    kDtype,       ///< integers fill the range of their type; float is from 0 to 1
    kPercentile,  ///< of each image: its percentiles low and high, over all colour samples, become 0 and 255
    kWindow,      ///< the stored values low and high become 0 and 255
  };
  Policy policy = Policy::kFull;
  double low = 0;   ///< kPercentile: [0, 100); kWindow: [-1e9, 1e9]
  double high = 0;  ///< above low
  bool operator==(const Intensity&) const = default;
};

/// How values that come with a window of their own (DICOM's) reach the 0-255 scale. Versions whose manifest does not
/// say it learned from whole levels.
enum class Levels {
  kRounded,  ///< to 8 bits
  kExact,    ///< in float32, so that 12 and 16 bits keep what they hold
};

/// What is done to an image before a network sees it. The default is that of bases and models whose manifest does not
/// say more.
struct Preprocessing {
  Fit fit = Fit::kPadOrStretch;
  Channels channels = Channels::kRgb;
  Resize resize = Resize::kBilinear;
  Intensity intensity = {};
  Levels levels = Levels::kRounded;

  bool operator==(const Preprocessing&) const = default;
};

/// The fields `fit`, `channels`, `resize`, `intensity` (`policy`, `low`, `high`) and `levels` of an object; absent ones
/// keep their default, others are passed over. Throws kInvalidArgument (the field's name) for a value that is not
/// known.
Preprocessing read_preprocessing(const json::Object& object);

/// JSON text of an object with these fields and no others.
Preprocessing parse_preprocessing(const std::string& json_text);

/// The fields without braces, e.g. `"fit":"stretch","channels":"bgr"`: `fit` always, the others where they are not the
/// default.
std::string fields_of(const Preprocessing& preprocessing);

}  // namespace automed::models
