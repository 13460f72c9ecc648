#include "pipeline/image.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <sstream>
#include <utility>
#include <vector>

#include "core/error.h"

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
float sample_at(const std::uint8_t* data, std::size_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));  // the buffer may be unaligned
  if constexpr (std::is_same_v<T, std::uint16_t>) return static_cast<float>(value) * kUint16Scale;
  return static_cast<float>(value);
}

/// The two source positions of one output position and the weight of the second, as bilinear interpolation with
/// align_corners=False has them.
struct Tap {
  std::int64_t first;
  std::int64_t second;
  float weight;
};

std::vector<Tap> bilinear_taps(std::int64_t source, std::int64_t target) {
  std::vector<Tap> taps(static_cast<std::size_t>(target));
  const float scale = static_cast<float>(source) / static_cast<float>(target);
  for (std::int64_t i = 0; i < target; ++i) {
    const float position = std::max(0.0F, (static_cast<float>(i) + 0.5F) * scale - 0.5F);
    const auto first = std::min(static_cast<std::int64_t>(position), source - 1);
    taps[static_cast<std::size_t>(i)] = {first, std::min(first + 1, source - 1), position - static_cast<float>(first)};
  }
  return taps;
}

/// Calls `emit(channel, value)` for each of the three colour channels; alpha is never read.
template <typename Read, typename Emit>
void for_each_colour(const PixelView& pixels, Read read, Emit emit) {
  const bool grey = pixels.channels < 3;
  const float first = read(0);
  emit(0, first);
  emit(1, grey ? first : read(1));
  emit(2, grey ? first : read(2));
}

template <typename T>
void fill_resized(const PixelView& pixels, std::int64_t size, float* out) {
  const auto rows = bilinear_taps(pixels.height, size);
  const auto columns = bilinear_taps(pixels.width, size);
  const std::int64_t plane = size * size;
  const auto index = [&](std::int64_t y, std::int64_t x, int c) {
    return static_cast<std::size_t>((y * pixels.width + x) * pixels.channels + c);
  };
  for (std::int64_t y = 0; y < size; ++y) {
    const Tap& row = rows[static_cast<std::size_t>(y)];
    for (std::int64_t x = 0; x < size; ++x) {
      const Tap& column = columns[static_cast<std::size_t>(x)];
      const auto read = [&](int c) {
        const float a = sample_at<T>(pixels.data, index(row.first, column.first, c));
        const float b = sample_at<T>(pixels.data, index(row.first, column.second, c));
        const float d = sample_at<T>(pixels.data, index(row.second, column.first, c));
        const float e = sample_at<T>(pixels.data, index(row.second, column.second, c));
        const float upper = a + (b - a) * column.weight;
        const float lower = d + (e - d) * column.weight;
        return upper + (lower - upper) * row.weight;
      };
      for_each_colour(pixels, read,
                      [&](int c, float v) { out[c * plane + y * size + x] = (v - kMean[c]) / kDeviation[c]; });
    }
  }
}

template <typename T>
void fill_padded(const PixelView& pixels, const Placement& placement, float* out) {
  const std::int64_t plane = placement.size * placement.size;
  for (std::int64_t y = 0; y < pixels.height; ++y) {
    for (std::int64_t x = 0; x < pixels.width; ++x) {
      const auto base = static_cast<std::size_t>((y * pixels.width + x) * pixels.channels);
      const auto at = (y + placement.top) * placement.size + x + placement.left;
      for_each_colour(
          pixels, [&](int c) { return sample_at<T>(pixels.data, base + static_cast<std::size_t>(c)); },
          [&](int c, float v) { out[c * plane + at] = (v - kMean[c]) / kDeviation[c]; });
    }
  }
}

template <typename T>
void fill_or_stretch(const PixelView& pixels, const Placement& placement, float* out) {
  if (placement.resized()) {
    fill_resized<T>(pixels, placement.size, out);
  } else {
    fill_padded<T>(pixels, placement, out);
  }
}

/// 3,height,width; 8 bit stays 8 bit, all else becomes float32.
torch::Tensor colour_planes(const PixelView& pixels) {
  if (pixels.sample_type == SampleType::kUint8) {
    const auto all = torch::from_blob(const_cast<std::uint8_t*>(pixels.data),
                                      {pixels.height, pixels.width, pixels.channels}, torch::kUInt8);
    const auto colours = all.slice(2, 0, pixels.channels < 3 ? 1 : 3).permute({2, 0, 1});  // 1 or 3,height,width
    return colours.expand({3, -1, -1}).contiguous();
  }
  auto planes = torch::empty({3, pixels.height, pixels.width});
  float* out = planes.data_ptr<float>();
  const std::int64_t plane = pixels.height * pixels.width;
  for (std::int64_t i = 0; i < plane; ++i) {
    const auto base = static_cast<std::size_t>(i * pixels.channels);
    const auto read = [&](int c) {
      const auto at = base + static_cast<std::size_t>(c);
      return pixels.sample_type == SampleType::kUint16 ? sample_at<std::uint16_t>(pixels.data, at)
                                                       : sample_at<float>(pixels.data, at);
    };
    for_each_colour(pixels, read, [&](int c, float v) { out[c * plane + i] = v; });
  }
  return planes;
}

torch::Tensor fit_longest_side(const PixelView& pixels, const Placement& placement) {
  const auto planes = colour_planes(pixels).unsqueeze(0);  // 1,3,height,width
  const auto resized = at::_upsample_bilinear2d_aa(planes, {placement.inner_height, placement.inner_width},
                                                   /*align_corners=*/false)[0];  // 3,inner_height,inner_width
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
    const float value = sample_at<float>(pixels.data, i);
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
  const auto expected = pixels.width * pixels.height * pixels.channels * sample_bytes(pixels.sample_type);
  if (static_cast<std::int64_t>(pixels.size_bytes) != expected) {
    throw Error(ErrorCode::kInvalidArgument,
                "pixel data holds " + std::to_string(pixels.size_bytes) + " bytes, its layout needs " +
                    std::to_string(expected),
                "pixels");
  }
}

Placement place_image(std::int64_t width, std::int64_t height, std::int64_t size, models::Fit fit) {
  Placement placement{
      .width = width, .height = height, .size = size, .left = 0, .top = 0, .inner_width = size, .inner_height = size};
  if (fit == models::Fit::kLongestSide) {
    // Rounds half up, as `ResizeLongestSide.get_preprocess_shape`; a sliver keeps one row or column.
    const double scale = static_cast<double>(size) / static_cast<double>(std::max(width, height));
    const auto scaled = [&](std::int64_t side) {
      return std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(side) * scale + 0.5));
    };
    placement.inner_width = scaled(width);
    placement.inner_height = scaled(height);
  } else if (width < size && height < size) {
    placement.inner_width = width;
    placement.inner_height = height;
    placement.left = (size - width) / 2;
    placement.top = (size - height) / 2;
  }
  return placement;
}

PreparedImage prepare_image(const PixelView& pixels, std::int64_t size, models::Fit fit) {
  check_pixels(pixels);
  if (pixels.sample_type == SampleType::kFloat32) check_float_samples(pixels);
  const Placement placement = place_image(pixels.width, pixels.height, size, fit);
  if (fit == models::Fit::kLongestSide) return {fit_longest_side(pixels, placement), placement};
  auto input = placement.resized() ? torch::empty({3, size, size}) : torch::zeros({3, size, size});
  float* out = input.data_ptr<float>();
  switch (pixels.sample_type) {
    case SampleType::kUint8:
      fill_or_stretch<std::uint8_t>(pixels, placement, out);
      break;
    case SampleType::kUint16:
      fill_or_stretch<std::uint16_t>(pixels, placement, out);
      break;
    case SampleType::kFloat32:
      fill_or_stretch<float>(pixels, placement, out);
      break;
  }
  return {input, placement};
}

torch::Tensor prepare_mask(const std::uint8_t* mask, const Placement& placement) {
  const auto size = placement.size;
  auto out = torch::zeros({size, size}, torch::kUInt8);
  auto* target = out.data_ptr<std::uint8_t>();
  const auto [width, height] = std::pair(placement.inner_width, placement.inner_height);
  for (std::int64_t y = 0; y < height; ++y) {
    const auto row =
        (2 * y + 1) * placement.height / (2 * height);  // the source pixel under the centre of the target's
    for (std::int64_t x = 0; x < width; ++x) {
      const auto column = (2 * x + 1) * placement.width / (2 * width);
      target[(y + placement.top) * size + x + placement.left] = mask[row * placement.width + column] != 0;
    }
  }
  return out;
}

torch::Tensor restore_logits(const torch::Tensor& logits, const Placement& placement) {
  const auto full = resize_bilinear(logits, placement.size, placement.size);  // 1,1,size,size
  const auto inner = full.slice(2, placement.top, placement.top + placement.inner_height)
                         .slice(3, placement.left, placement.left + placement.inner_width);
  if (!placement.resized()) return inner[0][0].contiguous();
  return resize_bilinear(inner, placement.height, placement.width)[0][0];  // height,width
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
