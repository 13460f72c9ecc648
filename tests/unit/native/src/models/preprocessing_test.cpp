#include "models/preprocessing.h"

#include "models/config.h"
#include "support/native_test.h"

namespace automed::models {
namespace {

TEST("preprocessing: what is not said is as it was before it could be said") {
  CHECK(parse_preprocessing("{}") == Preprocessing{});
  CHECK((parse_preprocessing(R"({"fit":"longest-side"})") == Preprocessing{.fit = Fit::kLongestSide}));
  CHECK(fields_of({}) == R"("fit":"pad-or-stretch")");
}

TEST("preprocessing: its text reads back") {
  for (const auto fit : {Fit::kPadOrStretch, Fit::kLongestSide, Fit::kStretch}) {
    for (const auto channels : {Channels::kRgb, Channels::kBgr}) {
      for (const auto resize : {Resize::kBilinear, Resize::kNearest}) {
        Preprocessing value{.fit = fit, .channels = channels, .resize = resize};
        CHECK(parse_preprocessing("{" + fields_of(value) + "}") == value);
        value.intensity = {.policy = Intensity::Policy::kPercentile, .low = 0.5, .high = 99.5};
        CHECK(parse_preprocessing("{" + fields_of(value) + "}") == value);
        value.intensity = {.policy = Intensity::Policy::kWindow, .low = -160, .high = 240};
        CHECK(parse_preprocessing("{" + fields_of(value) + "}") == value);
        value.levels = Levels::kExact;
        CHECK(parse_preprocessing("{" + fields_of(value) + "}") == value);
        value.intensity = {.policy = Intensity::Policy::kDtype};
        CHECK(parse_preprocessing("{" + fields_of(value) + "}") == value);
      }
    }
  }
}

TEST("preprocessing: a wrong field is named") {
  const auto field = [](const char* text) {
    return test::error_of(ErrorCode::kInvalidArgument, [&] { parse_preprocessing(text); }).field();
  };
  CHECK(field(R"({"channels":"gbr"})") == "channels");
  CHECK(field(R"({"channels":3})") == "channels");
  CHECK(field(R"({"resize":"cubic"})") == "resize");
  CHECK(field(R"({"fit":"crop"})") == "fit");
  CHECK(field(R"({"levels":"8-bit"})") == "levels");
  CHECK(field(R"({"mean":[1,2,3]})") == "mean");
  CHECK(field("[]") == "preprocessing");
  CHECK(field(R"({"intensity":"full"})") == "intensity");
  CHECK(field(R"({"intensity":{"policy":"auto"}})") == "policy");
  CHECK(field(R"({"intensity":{"policy":"window","low":3}})") == "intensity.high");
  CHECK(field(R"({"intensity":{"policy":"window","low":3,"high":3}})") == "intensity");
  CHECK(field(R"({"intensity":{"policy":"percentile","low":1,"high":101}})") == "intensity");
}

TEST("preprocessing: belongs to a base's architecture") {
  auto config = named_sam_config("tiny");
  CHECK(config.encoder.preprocessing == Preprocessing{});
  config.encoder.preprocessing = {.fit = Fit::kStretch, .channels = Channels::kBgr, .resize = Resize::kNearest};
  CHECK(parse_sam_config(to_json(config)).encoder.preprocessing == config.encoder.preprocessing);
}

}  // namespace
}  // namespace automed::models
