#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "models/config.h"

namespace automed::pipeline {

inline constexpr std::int64_t kMaxSide = 1 << 20;  ///< keeps products of extents far from overflow
/// Largest magnitude of a float32 sample. Above what any unit of medical images reaches (activity in Bq/ml stays below
/// 1e8), and far enough from float32's end that a network's squares and sums do not overflow.
inline constexpr float kMaxFloatSample = 1e9F;

enum class SampleType { kUint8, kUint16, kFloat32 };

/// The stored values that are black (0) and white (255) on a display; low above high inverts. Not equal, and each in
/// [-1e9, 1e9].
struct ValueWindow {
  double low = 0;
  double high = 0;
};

/// Decoded pixels in the caller's memory: interleaved, height x width x channels, rows from the top, no padding.
/// 1 channel is grey, 2 grey + alpha, 3 RGB, 4 RGBA. uint16 and float32 samples are little endian.
struct PixelView {
  const std::uint8_t* data = nullptr;
  std::size_t size_bytes = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t channels = 0;
  SampleType sample_type = SampleType::kUint8;
  /// What the image itself says of its values, as DICOM does: prepare_image first brings them to the 0-255 scale by it,
  /// as models::Levels says, whatever their type. Absent: the type's own rule.
  std::optional<ValueWindow> window = {};
};

/// Where an image lies on the model's square input, and so how a result finds its way back: the whole image fills the
/// rectangle inner_width x inner_height at (left, top); the rest of the input is zero.
struct Placement {
  std::int64_t width = 0;   ///< original
  std::int64_t height = 0;  ///< original
  std::int64_t size = 0;    ///< side of the input
  std::int64_t left = 0;
  std::int64_t top = 0;
  std::int64_t inner_width = 0;
  std::int64_t inner_height = 0;
  models::Resize resize = models::Resize::kBilinear;

  bool resized() const { return inner_width != width || inner_height != height; }
};

struct PreparedImage {
  torch::Tensor input;  ///< 3,size,size float32, normalised, on the CPU
  Placement placement;
};

/// Throws kInvalidArgument (field `pixels`) unless the extents are positive and the length is theirs.
void check_pixels(const PixelView& pixels);

/// Where an image of these extents goes. Both at least 1.
Placement place_image(std::int64_t width, std::int64_t height, std::int64_t size,
                      const models::Preprocessing& preprocessing = {});

/// Normalises (SAM's mean and deviation on the 0-255 scale, position by position of the channel order) and fits the
/// image to the input.
///
/// `kPadOrStretch` is the paper's preprocessing: when both sides are under `size` padded with zeros in the centre,
/// after normalisation; otherwise resized to size x size bilinearly, without antialiasing and without keeping the
/// aspect. It reads only the pixels that the result needs, except that float32 input is searched for NaN, infinity and
/// values beyond kMaxFloatSample.
///
/// `kLongestSide` is SAM's (`ResizeLongestSide`, `Sam.preprocess`): the longest side becomes `size`, bilinearly with
/// antialiasing, 8 bit images rounded to 8 bit; padded on the right and below with zeros after normalisation. The
/// published predictor resizes with Pillow, whose weights have more bits than those of torch's 8 bit path: 0.15 % of
/// the samples of a reduced image differ, by one level.
///
/// `kStretch` is SAM-Med2D's predictor: resized to size x size whatever the extents.
///
/// With `kNearest` no pixel is interpolated, whatever the fit: the source pixel of position i is
/// min(floor(i * (1 / (target / source))), source - 1) in double precision, as OpenCV has it.
///
/// Unless the intensity says otherwise uint16 is scaled by 1/257 and float32 is taken on the 0-255 scale; alpha is
/// dropped, grey repeated. Throws kInvalidArgument (field `pixels`) for NaN, infinity and values beyond
/// kMaxFloatSample.
PreparedImage prepare_image(const PixelView& pixels, std::int64_t size,
                            const models::Preprocessing& preprocessing = {});

/// A mask on the same input: 0 or 1, uint8 size,size; nearest neighbour, background where padded. Where the image was
/// resized by nearest neighbour, by the same source pixels; else by the pixel under the target's centre.
/// `mask` has one byte per original pixel, foreground when not 0.
///
/// SAM-Med2D's loader and AutoSAM's loss take masks by OpenCV's and torch's nearest neighbour, floor(i * source /
/// target), which is right beside an image resized so. Bilinear resizing is centred: beside it that rule puts a mask up
/// to half a pixel of the input above and to the left of its image, and of where restore_logits puts the answer. 100
/// masks of CVC-ClinicDB taken to the input and back keep a mean Dice of 0.994 by the centre and 0.980 by the floor at
/// 256 pixels, and 0.962 and 0.926 at 64.
torch::Tensor prepare_mask(const std::uint8_t* mask, const Placement& placement);

/// The part of the input that shows the image: 1,1,h,w (any resolution of the input) -> inner_height,inner_width, a
/// view.
torch::Tensor logits_of_image(const torch::Tensor& logits, const Placement& placement);

/// Undoes the placement for logits: 1,1,h,w (any resolution of the input) -> height,width of the original image.
/// Bilinear to the input's size, cropped to the image, then resized bilinearly where it was resized.
torch::Tensor restore_logits(const torch::Tensor& logits, const Placement& placement);

/// Points of the original image, in pixels -> the input's frame: any shape [..., 2] of x, y; float32.
torch::Tensor place_points(const torch::Tensor& points, const Placement& placement);

}  // namespace automed::pipeline
