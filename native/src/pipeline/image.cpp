#include "pipeline/image.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <sstream>
#include <utility>
#include <vector>

#include "core/error.h"
#include "pipeline/bilinear.h"
#include "pipeline/display_levels.h"
#include "pipeline/value_scale.h"

namespace automed::pipeline {
namespace {

/// SAM's normalisation, RGB on the 0-255 scale (segment-anything, build_sam.py).
constexpr std::array<float, 3> kMean{123.675F, 116.28F, 103.53F};
constexpr std::array<float, 3> kDeviation{58.395F, 57.12F, 57.375F};
constexpr float kUint16Scale = 1.0F / 257.0F;  // 65535 -> 255

std::int64_t sample_bytes(SampleType type) {
  switch (type) {
    case SampleType::kUint8:
      return 1;
    case SampleType::kUint16:
      return 2;
    case SampleType::kFloat32:
      return 4;
  }
  return 1;
}

template <typename T>
float stored_at(const std::uint8_t* data, std::size_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));  // the buffer may be unaligned
  return static_cast<float>(value);
}

/// A sample on the 0-255 scale.
template <typename T>
float sample_at(const std::uint8_t* data, std::size_t index, const ValueScale& scale) {
  const float value = stored_at<T>(data, index);
  if (scale.mapped) return std::clamp((value - scale.low) * scale.factor, 0.0F, 255.0F);
  if constexpr (std::is_same_v<T, std::uint16_t>) return value * kUint16Scale;
  return value;
}

/// The source position of each output position, as cv2.resize computes it with INTER_NEAREST.
std::vector<std::int64_t> nearest_positions(std::int64_t source, std::int64_t target) {
  std::vector<std::int64_t> positions(static_cast<std::size_t>(target));
  const double step = 1.0 / (static_cast<double>(target) / static_cast<double>(source));
  for (std::int64_t i = 0; i < target; ++i) {
    const auto position = static_cast<std::int64_t>(std::floor(static_cast<double>(i) * step));
    positions[static_cast<std::size_t>(i)] = std::min(position, source - 1);
  }
  return positions;
}

/// The source position under the centre of each output position.
std::vector<std::int64_t> centre_positions(std::int64_t source, std::int64_t target) {
  std::vector<std::int64_t> positions(static_cast<std::size_t>(target));
  for (std::int64_t i = 0; i < target; ++i) {
    positions[static_cast<std::size_t>(i)] = (2 * i + 1) * source / (2 * target);
  }
  return positions;
}

/// An image on its way to the input: its samples, where it goes, and in which order of colours.
struct Source {
  const PixelView& pixels;
  const Placement& placement;
  bool bgr = false;
  ValueScale scale;
};

/// Calls `emit(position, value)` for each of the three positions of the channel order; alpha is never read.
template <typename Read, typename Emit>
void for_each_colour(const Source& source, Read read, Emit emit) {
  const bool grey = source.pixels.channels < 3;
  const float first = read(0);
  emit(source.bgr ? 2 : 0, first);
  emit(1, grey ? first : read(1));
  emit(source.bgr ? 0 : 2, grey ? first : read(2));
}

template <typename T>
void fill_resized(const Source& source, float* out) {
  const auto& [pixels, placement, bgr, scale] = source;
  const std::int64_t size = placement.size;
  const auto rows = bilinear_taps(pixels.height, size);
  const auto columns = bilinear_taps(pixels.width, size);
  const std::int64_t plane = size * size;
  const auto index = [&pixels = pixels](std::int64_t y, std::int64_t x, int c) {
    return static_cast<std::size_t>((y * pixels.width + x) * pixels.channels + c);
  };
  for (std::int64_t y = 0; y < size; ++y) {
    const Tap& row = rows[static_cast<std::size_t>(y)];
    for (std::int64_t x = 0; x < size; ++x) {
      const Tap& column = columns[static_cast<std::size_t>(x)];
      const auto read = [&, data = pixels.data, scale = scale](int c) {
        const float a = sample_at<T>(data, index(row.first, column.first, c), scale);
        const float b = sample_at<T>(data, index(row.first, column.second, c), scale);
        const float d = sample_at<T>(data, index(row.second, column.first, c), scale);
        const float e = sample_at<T>(data, index(row.second, column.second, c), scale);
        const float upper = a + (b - a) * column.weight;
        const float lower = d + (e - d) * column.weight;
        return upper + (lower - upper) * row.weight;
      };
      for_each_colour(source, read,
                      [&](int c, float v) { out[c * plane + y * size + x] = (v - kMean[c]) / kDeviation[c]; });
    }
  }
}

/// Nearest neighbour, and also what is not resized at all.
template <typename T>
void fill_picked(const Source& source, float* out) {
  const auto& [pixels, placement, bgr, scale] = source;
  const std::int64_t plane = placement.size * placement.size;
  const auto rows = nearest_positions(pixels.height, placement.inner_height);
  const auto columns = nearest_positions(pixels.width, placement.inner_width);
  std::int64_t at = placement.top * placement.size + placement.left;
  for (const auto row : rows) {
    for (std::int64_t x = 0; x < placement.inner_width; ++x) {
      const auto column = columns[static_cast<std::size_t>(x)];
      const auto base = static_cast<std::size_t>((row * pixels.width + column) * pixels.channels);
      for_each_colour(
          source,
          [&, data = pixels.data, scale = scale](int c) {
            return sample_at<T>(data, base + static_cast<std::size_t>(c), scale);
          },
          [&](int c, float v) { out[c * plane + at + x] = (v - kMean[c]) / kDeviation[c]; });
    }
    at += placement.size;
  }
}

template <typename T>
void fill(const Source& source, float* out) {
  if (source.placement.resized() && source.placement.resize == models::Resize::kBilinear) {
    fill_resized<T>(source, out);
  } else {
    fill_picked<T>(source, out);
  }
}

template <typename T>
void fill_planes(const Source& source, float* out) {
  const PixelView& pixels = source.pixels;
  const std::int64_t plane = pixels.height * pixels.width;
  for (std::int64_t i = 0; i < plane; ++i) {
    const auto base = static_cast<std::size_t>(i * pixels.channels);
    const auto read = [&](int c) {
      return sample_at<T>(pixels.data, base + static_cast<std::size_t>(c), source.scale);
    };
    for_each_colour(source, read, [&](int c, float v) { out[c * plane + i] = v; });
  }
}

/// Calls `run` with a value of the samples' type.
template <typename Run>
void with_type(SampleType type, Run run) {
  switch (type) {
    case SampleType::kUint8:
      return run(std::uint8_t{});
    case SampleType::kUint16:
      return run(std::uint16_t{});
    case SampleType::kFloat32:
      return run(float{});
  }
}

/// 3,height,width; 8 bit stays 8 bit, all else becomes float32.
torch::Tensor colour_planes(const Source& source) {
  const PixelView& pixels = source.pixels;
  if (pixels.sample_type == SampleType::kUint8 && !source.scale.mapped) {
    const auto all = torch::from_blob(const_cast<std::uint8_t*>(pixels.data),
                                      {pixels.height, pixels.width, pixels.channels}, torch::kUInt8);
    const auto colours = all.slice(2, 0, pixels.channels < 3 ? 1 : 3).permute({2, 0, 1});  // 1 or 3,height,width
    const auto planes = colours.expand({3, -1, -1}).contiguous();
    return source.bgr ? planes.flip(0) : planes;
  }
  auto planes = torch::empty({3, pixels.height, pixels.width});
  with_type(pixels.sample_type, [&](auto type) { fill_planes<decltype(type)>(source, planes.data_ptr<float>()); });
  return planes;
}

/// 1,3,height,width -> 1,3,to_height,to_width. To one column torch's float32 path resizes the rows by the wrong
/// strides, as a plane of one column fits two memory formats (2.13.0); a single row is right.
torch::Tensor resize_antialiased(const torch::Tensor& planes, std::int64_t to_height, std::int64_t to_width) {
  if (to_width == 1 && to_height > 1) {
    const auto turned = planes.transpose(2, 3).contiguous();  // 1,3,width,height
    return resize_antialiased(turned, to_width, to_height).transpose(2, 3);
  }
  return at::_upsample_bilinear2d_aa(planes, {to_height, to_width}, /*align_corners=*/false);
}

torch::Tensor fit_antialiased(const Source& source) {
  const Placement& placement = source.placement;
  const auto planes = colour_planes(source).unsqueeze(0);  // 1,3,height,width
  const auto resized =
      resize_antialiased(planes, placement.inner_height, placement.inner_width)[0];  // 3,inner_height,inner_width
  auto input = torch::zeros({3, placement.size, placement.size});
  for (int c = 0; c < 3; ++c) {
    input[c]
        .slice(0, 0, placement.inner_height)
        .slice(1, 0, placement.inner_width)
        .copy_(resized[c].to(torch::kFloat32).sub_(kMean[c]).div_(kDeviation[c]));
  }
  return input;
}

void check_float_samples(const PixelView& pixels) {
  const auto count = static_cast<std::size_t>(pixels.width * pixels.height * pixels.channels);
  for (std::size_t i = 0; i < count; ++i) {
    const float value = stored_at<float>(pixels.data, i);
    if (std::abs(value) <= kMaxFloatSample) continue;  // false for NaN
    std::ostringstream message;
    message << "float pixels must lie in [-1e9, 1e9]; sample " << i << " is " << value;
    throw Error(ErrorCode::kInvalidArgument, message.str(), "pixels");
  }
}

torch::Tensor resize_bilinear(const torch::Tensor& x, std::int64_t height, std::int64_t width) {
  return at::upsample_bilinear2d(x, {height, width}, /*align_corners=*/false);
}

}  // namespace

void check_pixels(const PixelView& pixels) {
  if (pixels.width < 1 || pixels.height < 1) {
    throw Error(ErrorCode::kInvalidArgument, "width and height must be at least 1", "pixels");
  }
  if (pixels.channels < 1 || pixels.channels > 4) {
    throw Error(ErrorCode::kInvalidArgument, "channels must be 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA)",
                "pixels");
  }
  if (pixels.width > kMaxSide || pixels.height > kMaxSide) {
    throw Error(ErrorCode::kInvalidArgument, "width and height must be at most 1048576", "pixels");
  }
  if (pixels.window) {
    const auto& [low, high] = *pixels.window;
    const auto outside = [](double end) { return !(std::abs(end) <= kMaxFloatSample); };  // true for NaN
    if (outside(low) || outside(high) || low == high) {
      throw Error(ErrorCode::kInvalidArgument, "the window must have two different ends in [-1e9, 1e9]",
                  "pixels.window");
    }
  }
  const auto expected = pixels.width * pixels.height * pixels.channels * sample_bytes(pixels.sample_type);
  if (static_cast<std::int64_t>(pixels.size_bytes) != expected) {
    throw Error(ErrorCode::kInvalidArgument,
                "pixel data holds " + std::to_string(pixels.size_bytes) + " bytes, its layout needs " +
                    std::to_string(expected),
                "pixels");
  }
}

Placement place_image(std::int64_t width, std::int64_t height, std::int64_t size,
                      const models::Preprocessing& preprocessing) {
  Placement placement{.width = width,
                      .height = height,
                      .size = size,
                      .left = 0,
                      .top = 0,
                      .inner_width = size,
                      .inner_height = size,
                      .resize = preprocessing.resize};
  if (preprocessing.fit == models::Fit::kLongestSide) {
    // Rounds half up, as `ResizeLongestSide.get_preprocess_shape`; a sliver keeps one row or column.
    const double scale = static_cast<double>(size) / static_cast<double>(std::max(width, height));
    const auto scaled = [&](std::int64_t side) {
      return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::floor(static_cast<double>(side) * scale + 0.5)));
    };
    placement.inner_width = scaled(width);
    placement.inner_height = scaled(height);
  } else if (preprocessing.fit == models::Fit::kPadOrStretch && width < size && height < size) {
    placement.inner_width = width;
    placement.inner_height = height;
    placement.left = (size - width) / 2;
    placement.top = (size - height) / 2;
  }
  return placement;
}

PreparedImage prepare_image(const PixelView& pixels, std::int64_t size, const models::Preprocessing& preprocessing) {
  check_pixels(pixels);
  if (pixels.sample_type == SampleType::kFloat32) check_float_samples(pixels);
  if (pixels.window) {
    const DisplayLevels levels(pixels, preprocessing.levels);
    auto on_display = preprocessing;
    // Levels of a display fill their range whichever type holds them.
    if (on_display.intensity.policy == models::Intensity::Policy::kDtype) on_display.intensity = {};
    return prepare_image(levels.view(), size, on_display);
  }
  const Placement placement = place_image(pixels.width, pixels.height, size, preprocessing);
  const Source source{pixels, placement, preprocessing.channels == models::Channels::kBgr,
                      value_scale(pixels, preprocessing.intensity)};
  const bool bilinear = preprocessing.resize == models::Resize::kBilinear;
  if (preprocessing.fit == models::Fit::kLongestSide && bilinear) return {fit_antialiased(source), placement};
  auto input = torch::zeros({3, size, size});
  with_type(pixels.sample_type, [&](auto type) { fill<decltype(type)>(source, input.data_ptr<float>()); });
  return {input, placement};
}

torch::Tensor prepare_mask(const std::uint8_t* mask, const Placement& placement) {
  const auto size = placement.size;
  auto out = torch::zeros({size, size}, torch::kUInt8);
  auto* target = out.data_ptr<std::uint8_t>() + placement.top * size + placement.left;
  const auto positions = placement.resize == models::Resize::kNearest ? nearest_positions : centre_positions;
  const auto columns = positions(placement.width, placement.inner_width);
  for (const auto row : positions(placement.height, placement.inner_height)) {
    for (std::int64_t x = 0; x < placement.inner_width; ++x) {
      const bool set = mask[row * placement.width + columns[static_cast<std::size_t>(x)]] != 0;
      target[x] = static_cast<std::uint8_t>(set);
    }
    target += size;
  }
  return out;
}

torch::Tensor logits_of_image(const torch::Tensor& logits, const Placement& placement) {
  const auto full = resize_bilinear(logits, placement.size, placement.size);  // 1,1,size,size
  return full.slice(2, placement.top, placement.top + placement.inner_height)
      .slice(3, placement.left, placement.left + placement.inner_width)[0][0];
}

torch::Tensor restore_logits(const torch::Tensor& logits, const Placement& placement) {
  const auto inner = logits_of_image(logits, placement);  // inner_height,inner_width
  if (!placement.resized()) return inner.contiguous();
  return resize_bilinear(inner.unsqueeze(0).unsqueeze(0), placement.height, placement.width)[0][0];  // height,width
}

torch::Tensor place_points(const torch::Tensor& points, const Placement& placement) {
  const auto ratio = [](std::int64_t inner, std::int64_t original) {
    return static_cast<float>(inner) / static_cast<float>(original);
  };
  const auto scale =
      torch::tensor({ratio(placement.inner_width, placement.width), ratio(placement.inner_height, placement.height)});
  const auto offset = torch::tensor({static_cast<float>(placement.left), static_cast<float>(placement.top)});
  return points.to(torch::kFloat32) * scale + offset;
}

}  // namespace automed::pipeline
