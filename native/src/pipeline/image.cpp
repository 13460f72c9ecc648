#include "pipeline/image.h"

#include <array>
#include <cmath>
#include <cstring>
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
void fill(const PixelView& pixels, const Placement& placement, float* out) {
  if (placement.padded) {
    fill_padded<T>(pixels, placement, out);
  } else {
    fill_resized<T>(pixels, placement.size, out);
  }
}

void check_finite(const PixelView& pixels) {
  const auto count = static_cast<std::size_t>(pixels.width * pixels.height * pixels.channels);
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(sample_at<float>(pixels.data, i))) {
      throw Error(ErrorCode::kInvalidArgument, "float pixels must be finite; sample " + std::to_string(i) + " is not",
                  "pixels");
    }
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

PreparedImage prepare_image(const PixelView& pixels, std::int64_t size) {
  check_pixels(pixels);
  Placement placement{.width = pixels.width, .height = pixels.height, .size = size};
  placement.padded = pixels.width < size && pixels.height < size;
  if (placement.padded) {
    placement.left = (size - pixels.width) / 2;
    placement.top = (size - pixels.height) / 2;
  }
  auto input = placement.padded ? torch::zeros({3, size, size}) : torch::empty({3, size, size});
  float* out = input.data_ptr<float>();
  switch (pixels.sample_type) {
    case SampleType::kUint8:
      fill<std::uint8_t>(pixels, placement, out);
      break;
    case SampleType::kUint16:
      fill<std::uint16_t>(pixels, placement, out);
      break;
    case SampleType::kFloat32:
      check_finite(pixels);
      fill<float>(pixels, placement, out);
      break;
  }
  return {input, placement};
}

torch::Tensor prepare_mask(const std::uint8_t* mask, const Placement& placement) {
  const auto size = placement.size;
  auto out = torch::zeros({size, size}, torch::kUInt8);
  auto* target = out.data_ptr<std::uint8_t>();
  if (placement.padded) {
    for (std::int64_t y = 0; y < placement.height; ++y) {
      for (std::int64_t x = 0; x < placement.width; ++x) {
        target[(y + placement.top) * size + x + placement.left] = mask[y * placement.width + x] != 0;
      }
    }
    return out;
  }
  for (std::int64_t y = 0; y < size; ++y) {
    const auto row = (2 * y + 1) * placement.height / (2 * size);  // the source pixel under the centre of the target's
    for (std::int64_t x = 0; x < size; ++x) {
      const auto column = (2 * x + 1) * placement.width / (2 * size);
      target[y * size + x] = mask[row * placement.width + column] != 0;
    }
  }
  return out;
}

torch::Tensor restore_logits(const torch::Tensor& logits, const Placement& placement) {
  const auto full = resize_bilinear(logits, placement.size, placement.size);  // 1,1,size,size
  if (placement.padded) {
    return full[0][0]
        .slice(0, placement.top, placement.top + placement.height)
        .slice(1, placement.left, placement.left + placement.width)
        .contiguous();
  }
  return resize_bilinear(full, placement.height, placement.width)[0][0];  // height,width
}

}  // namespace automed::pipeline
