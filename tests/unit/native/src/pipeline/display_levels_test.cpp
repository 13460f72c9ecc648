#include "pipeline/display_levels.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "support/native_test.h"

namespace automed::pipeline {
namespace {

using models::Levels;
using models::Preprocessing;

constexpr std::int64_t kSide = 37;  // no multiple of any input's side

/// 12 bits in 16, rising over the picture.
std::vector<std::uint16_t> ramp() {
  std::vector<std::uint16_t> values;
  for (std::int64_t i = 0; i < kSide * kSide; ++i)
    values.push_back(static_cast<std::uint16_t>(4095 * i / (kSide * kSide)));
  return values;
}

template <typename T>
PixelView square(const std::vector<T>& values, SampleType type, std::optional<ValueWindow> window = {}) {
  return {.data = reinterpret_cast<const std::uint8_t*>(values.data()),
          .size_bytes = values.size() * sizeof(T),
          .width = kSide,
          .height = kSide,
          .channels = 1,
          .sample_type = type,
          .window = window};
}

constexpr ValueWindow kTissue{.low = 1000, .high = 3000};

double level_of(std::uint16_t value) {
  return std::min(255.0, std::max(0.0, 255.0 * (value - kTissue.low) / (kTissue.high - kTissue.low)));
}

TEST("display levels: rounded ones prepare an image to the last bit as its 8-bit picture") {
  const auto stored = ramp();
  std::vector<std::uint8_t> picture;
  for (const auto value : stored) picture.push_back(static_cast<std::uint8_t>(std::floor(level_of(value) + 0.5)));
  for (const auto fit : {models::Fit::kPadOrStretch, models::Fit::kLongestSide, models::Fit::kStretch}) {
    for (const auto policy : {models::Intensity::Policy::kFull, models::Intensity::Policy::kDtype}) {
      const Preprocessing rule{.fit = fit, .intensity = {.policy = policy}};
      const auto windowed = prepare_image(square(stored, SampleType::kUint16, kTissue), 32, rule).input;
      CHECK(windowed.equal(prepare_image(square(picture, SampleType::kUint8), 32, rule).input));
    }
  }
}

TEST("display levels: exact ones keep what 8 bits would round away") {
  const auto stored = ramp();
  std::vector<float> levels;
  for (const auto value : stored) levels.push_back(static_cast<float>(level_of(value)));
  for (const auto policy : {models::Intensity::Policy::kFull, models::Intensity::Policy::kDtype}) {
    const Preprocessing rule{.intensity = {.policy = policy}, .levels = Levels::kExact};
    const auto exact = prepare_image(square(stored, SampleType::kUint16, kTissue), 32, rule).input;
    CHECK(exact.equal(prepare_image(square(levels, SampleType::kFloat32), 32, {}).input));
    auto rounded = rule;
    rounded.levels = Levels::kRounded;
    const auto difference =
        (prepare_image(square(stored, SampleType::kUint16, kTissue), 32, rounded).input - exact).abs();
    CHECK(difference.max().item<float>() > 0.001F);
    CHECK(difference.max().item<float>() < 0.5F / 57.12F + 1e-5F);
  }
}

TEST("display levels: a window whose low end is above its high one inverts, for stored floats, too") {
  const std::vector<float> stored(kSide * kSide, -100.0F);
  const DisplayLevels upright(square(stored, SampleType::kFloat32, ValueWindow{.low = -160, .high = 80}),
                              Levels::kExact);
  const DisplayLevels inverted(square(stored, SampleType::kFloat32, ValueWindow{.low = 80, .high = -160}),
                               Levels::kRounded);
  CHECK(std::abs(reinterpret_cast<const float*>(upright.view().data)[0] - 63.75F) < 1e-4F);
  CHECK(inverted.view().data[0] == 191);  // 191.25
  CHECK(inverted.view().sample_type == SampleType::kUint8);
  CHECK(!inverted.view().window);
}

TEST("display levels: a window without two finite ends is refused by name") {
  const auto stored = ramp();
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  for (const ValueWindow window : {ValueWindow{3, 3}, ValueWindow{0, kNaN}, ValueWindow{-2e9, 3}}) {
    const auto view = square(stored, SampleType::kUint16, window);
    CHECK(test::error_of(ErrorCode::kInvalidArgument, [&] { check_pixels(view); }).field() == "pixels.window");
  }
}

}  // namespace
}  // namespace automed::pipeline
