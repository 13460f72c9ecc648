#include "pipeline/value_scale.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "support/native_test.h"

namespace automed::pipeline {
namespace {

using Policy = models::Intensity::Policy;

template <typename T>
PixelView view_of(const std::vector<T>& values, SampleType type, std::int64_t channels = 1) {
  return {.data = reinterpret_cast<const std::uint8_t*>(values.data()),
          .size_bytes = values.size() * sizeof(T),
          .width = static_cast<std::int64_t>(values.size()) / channels,
          .height = 1,
          .channels = channels,
          .sample_type = type};
}

/// The 0-255 scale's values of a picture as wide as the input.
std::vector<float> seen(const PixelView& pixels, const models::Intensity& intensity) {
  const auto input = prepare_image(pixels, pixels.width, {.intensity = intensity}).input;
  std::vector<float> values;
  for (std::int64_t x = 0; x < pixels.width; ++x) {
    // A single row is padded in the centre.
    values.push_back(input[0][(pixels.width - 1) / 2][x].item<float>() * 58.395F + 123.675F);
  }
  return values;
}

bool near(const std::vector<float>& actual, const std::vector<float>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::abs(actual.at(i) - expected[i]) > 0.01F) return false;
  }
  return actual.size() == expected.size();
}

TEST("a window brings its ends to 0 and 255 and holds what lies outside") {
  const std::vector<std::uint16_t> wide{0, 960, 2088, 3216, 65535};
  const models::Intensity window{.policy = Policy::kWindow, .low = 960, .high = 3216};
  CHECK(value_scale(view_of(wide, SampleType::kUint16), window).mapped);
  // Wider than the input's side minus one row it is resized; a square is not.
  const std::vector<float> floats{-2000, -160, 40, 240, 1e6};
  const models::Intensity soft{.policy = Policy::kWindow, .low = -160, .high = 240};
  const auto apply = [](float value, const ValueScale& scale) {
    return std::clamp((value - scale.low) * scale.factor, 0.0F, 255.0F);
  };
  const auto scale = value_scale(view_of(floats, SampleType::kFloat32), soft);
  CHECK(near({apply(-2000, scale), apply(-160, scale), apply(40, scale), apply(240, scale), apply(1e6, scale)},
             {0, 0, 127.5F, 255, 255}));
}

TEST("percentiles are the image's own, of integers and of float alike, without alpha") {
  std::vector<std::uint16_t> integers;
  std::vector<float> floats;
  std::vector<std::uint16_t> with_alpha;
  for (int i = 100; i >= 0; --i) {
    integers.push_back(static_cast<std::uint16_t>(1000 + 10 * i));
    floats.push_back(static_cast<float>(i) / 100);
    with_alpha.push_back(integers.back());
    with_alpha.push_back(65535);
  }
  const models::Intensity middle{.policy = Policy::kPercentile, .low = 10, .high = 90};
  for (const auto& view : {view_of(integers, SampleType::kUint16), view_of(with_alpha, SampleType::kUint16, 2)}) {
    const auto scale = value_scale(view, middle);
    CHECK(scale.mapped && scale.low == 1100 && std::abs(scale.factor - 255.0F / 800) < 1e-6F);
  }
  const auto scale = value_scale(view_of(floats, SampleType::kFloat32), middle);
  CHECK(std::abs(scale.low - 0.1F) < 1e-6F && std::abs(scale.factor - 255 / 0.8F) < 1e-3F);
  const std::vector<std::uint8_t> flat(50, 7);
  CHECK(value_scale(view_of(flat, SampleType::kUint8), middle).factor == 0);
}

TEST("the type's range is what each type did before; of float it may be 0 to 1") {
  const std::vector<std::uint16_t> integers{0, 65535};
  const std::vector<float> floats{0, 1};
  for (const auto policy : {Policy::kFull, Policy::kDtype}) {
    CHECK(!value_scale(view_of(integers, SampleType::kUint16), {.policy = policy}).mapped);
  }
  CHECK(!value_scale(view_of(floats, SampleType::kFloat32), {}).mapped);
  const auto scale = value_scale(view_of(floats, SampleType::kFloat32), {.policy = Policy::kDtype});
  CHECK(scale.mapped && scale.low == 0 && scale.factor == 255);
}

TEST("12 bits of 16 reach the network as their 8-bit twin does, whatever the fit and the resize") {
  torch::manual_seed(3);
  const auto bytes = torch::randint(0, 256, {70, 90, 3}, torch::kUInt8);
  const auto wide = (bytes.to(torch::kInt32) * 16).to(torch::kUInt16).contiguous();
  const PixelView plain{
      .data = bytes.data_ptr<std::uint8_t>(), .size_bytes = bytes.nbytes(), .width = 90, .height = 70, .channels = 3};
  PixelView twin = plain;
  twin.data = static_cast<const std::uint8_t*>(wide.data_ptr());
  twin.size_bytes = wide.nbytes();
  twin.sample_type = SampleType::kUint16;
  const models::Intensity twelve{.policy = Policy::kWindow, .low = 0, .high = 4080};
  for (const auto fit : {models::Fit::kPadOrStretch, models::Fit::kLongestSide, models::Fit::kStretch}) {
    for (const auto resize : {models::Resize::kBilinear, models::Resize::kNearest}) {
      for (const std::int64_t size : {64, 128}) {
        const auto expected = prepare_image(plain, size, {.fit = fit, .resize = resize}).input;
        const auto actual = prepare_image(twin, size, {.fit = fit, .resize = resize, .intensity = twelve}).input;
        CHECK(test::max_difference(actual, expected) < 0.02);  // the 8-bit path of the longest side rounds
      }
    }
  }
  CHECK(near(seen(view_of(std::vector<std::uint16_t>{960, 2088, 3216}, SampleType::kUint16),
                  {.policy = Policy::kWindow, .low = 960, .high = 3216}),
             {0, 127.5F, 255}));
}

}  // namespace
}  // namespace automed::pipeline
