#include "pipeline/value_scale.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace automed::pipeline {
namespace {

using Policy = models::Intensity::Policy;

ValueScale between(double low, double high) {
  return {.mapped = true,
          .low = static_cast<float>(low),
          .factor = high > low ? static_cast<float>(255.0 / (high - low)) : 0.0F};
}

/// Calls `take` with every colour sample as stored; alpha is passed over.
template <typename T, typename Take>
void for_each_sample(const PixelView& pixels, Take take) {
  const std::int64_t colours = pixels.channels < 3 ? 1 : 3;
  for (std::int64_t pixel = 0; pixel < pixels.width * pixels.height; ++pixel) {
    for (std::int64_t c = 0; c < colours; ++c) {
      T value;
      std::memcpy(&value, pixels.data + static_cast<std::size_t>(pixel * pixels.channels + c) * sizeof(T), sizeof(T));
      take(value);
    }
  }
}

/// Position of a percentile in an order of `count` samples.
std::size_t rank_of(double percentile, std::size_t count) {
  return static_cast<std::size_t>(percentile / 100 * static_cast<double>(count - 1));
}

std::size_t count_of(const PixelView& pixels) {
  return static_cast<std::size_t>(pixels.width * pixels.height * (pixels.channels < 3 ? 1 : 3));
}

template <typename T>
std::pair<double, double> integer_percentiles(const PixelView& pixels, double low, double high) {
  std::vector<std::size_t> histogram(std::size_t{1} << (8 * sizeof(T)));
  for_each_sample<T>(pixels, [&](T value) { ++histogram[value]; });
  const auto value_at = [&](std::size_t rank) {
    std::size_t value = 0;
    for (std::size_t below = histogram[0]; below <= rank; below += histogram[value]) ++value;
    return static_cast<double>(value);
  };
  return {value_at(rank_of(low, count_of(pixels))), value_at(rank_of(high, count_of(pixels)))};
}

std::pair<double, double> float_percentiles(const PixelView& pixels, double low, double high) {
  std::vector<float> values;
  values.reserve(count_of(pixels));
  for_each_sample<float>(pixels, [&](float value) { values.push_back(value); });
  const auto value_at = [&](double percentile) {
    const auto position = values.begin() + static_cast<std::ptrdiff_t>(rank_of(percentile, values.size()));
    std::nth_element(values.begin(), position, values.end());
    return static_cast<double>(*position);
  };
  const double first = value_at(low);
  return {first, value_at(high)};
}

std::pair<double, double> percentiles(const PixelView& pixels, double low, double high) {
  if (pixels.sample_type == SampleType::kUint8) return integer_percentiles<std::uint8_t>(pixels, low, high);
  if (pixels.sample_type == SampleType::kUint16) return integer_percentiles<std::uint16_t>(pixels, low, high);
  return float_percentiles(pixels, low, high);
}

}  // namespace

ValueScale value_scale(const PixelView& pixels, const models::Intensity& intensity) {
  switch (intensity.policy) {
    case Policy::kFull:
      return {};
    case Policy::kDtype:
      return pixels.sample_type == SampleType::kFloat32 ? between(0, 1) : ValueScale{};
    case Policy::kWindow:
      return between(intensity.low, intensity.high);
    case Policy::kPercentile: {
      const auto [low, high] = percentiles(pixels, intensity.low, intensity.high);
      return between(low, high);
    }
  }
  return {};
}

}  // namespace automed::pipeline
