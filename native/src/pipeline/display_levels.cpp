#include "pipeline/display_levels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace automed::pipeline {
namespace {

constexpr double kWhite = 255;

template <typename Stored>
double level_at(const PixelView& pixels, std::size_t index) {
  Stored value;
  std::memcpy(&value, pixels.data + index * sizeof(Stored), sizeof(Stored));  // the buffer may be unaligned
  const auto& [low, high] = *pixels.window;
  return kWhite * std::clamp((static_cast<double>(value) - low) / (high - low), 0.0, 1.0);
}

template <typename Stored>
void fill_rounded(const PixelView& pixels, std::size_t count, std::uint8_t* out) {
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = static_cast<std::uint8_t>(std::floor(level_at<Stored>(pixels, i) + 0.5));
  }
}

template <typename Stored>
void fill_exact(const PixelView& pixels, std::size_t count, std::uint8_t* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto level = static_cast<float>(level_at<Stored>(pixels, i));
    std::memcpy(out + i * sizeof(float), &level, sizeof(float));
  }
}

template <typename Stored>
void fill_levels(const PixelView& pixels, models::Levels levels, std::size_t count, std::uint8_t* out) {
  return levels == models::Levels::kExact ? fill_exact<Stored>(pixels, count, out)
                                          : fill_rounded<Stored>(pixels, count, out);
}

}  // namespace

DisplayLevels::DisplayLevels(const PixelView& pixels, models::Levels levels) : view_(pixels) {
  const auto count = static_cast<std::size_t>(pixels.width * pixels.height * pixels.channels);
  const bool exact = levels == models::Levels::kExact;
  bytes_.resize(count * (exact ? sizeof(float) : 1));
  switch (pixels.sample_type) {
    case SampleType::kUint8:
      fill_levels<std::uint8_t>(pixels, levels, count, bytes_.data());
      break;
    case SampleType::kUint16:
      fill_levels<std::uint16_t>(pixels, levels, count, bytes_.data());
      break;
    case SampleType::kFloat32:
      fill_levels<float>(pixels, levels, count, bytes_.data());
      break;
  }
  view_.data = bytes_.data();
  view_.size_bytes = bytes_.size();
  view_.sample_type = exact ? SampleType::kFloat32 : SampleType::kUint8;
  view_.window.reset();
}

}  // namespace automed::pipeline
