#include "pipeline/drawn_mask.h"

#include <array>
#include <cmath>

#include "support/native_test.h"

namespace automed::pipeline {
namespace {

torch::Tensor random_logits(std::int64_t side) {
  torch::manual_seed(3);
  return torch::randn({1, 1, side, side}) * 4;
}

/// What draw_mask() says, from the whole plane of logits by LibTorch's own operators.
void expect_same(const torch::Tensor& logits, const Placement& placement, double threshold) {
  const auto drawn = draw_mask(logits, placement, threshold);
  const auto plane = restore_logits(logits, placement);
  const auto limit = std::log(threshold / (1 - threshold));
  const auto foreground = plane > limit;
  CHECK(drawn.mask.sizes() == foreground.sizes());
  // A pixel may differ where rounding decides.
  const auto differs = drawn.mask.to(torch::kBool) != foreground;
  CHECK(differs.logical_and((plane - limit).abs() > 1e-5).any().item<bool>() == false);
  CHECK(drawn.area_px == drawn.mask.sum().item<std::int64_t>());
  CHECK(drawn.bounding_box == bounding_box_of(drawn.mask));
  CHECK(drawn.mean_probability.has_value() == (drawn.area_px > 0));
  if (drawn.area_px == 0) return;
  const auto mean = plane.masked_select(drawn.mask.to(torch::kBool)).sigmoid().mean(torch::kFloat64).item<double>();
  CHECK(std::abs(*drawn.mean_probability - (mean)) < 1e-6);
}

TEST("draws the thresholded plane of restored logits, whatever the extents and the fit") {
  const std::array<std::pair<std::int64_t, std::int64_t>, 7> extents = {
      {{1024, 768}, {33, 517}, {1, 300}, {300, 1}, {64, 64}, {40, 50}, {700, 701}}};
  for (const auto& [width, height] : extents) {
    for (const auto fit : {models::Fit::kPadOrStretch, models::Fit::kStretch, models::Fit::kLongestSide}) {
      models::Preprocessing preprocessing;
      preprocessing.fit = fit;
      const auto placement = place_image(width, height, 64, preprocessing);
      for (const double threshold : {0.1, 0.5, 0.97}) expect_same(random_logits(16), placement, threshold);
    }
  }
}

TEST("measures a mask of nothing and one of everything") {
  const auto placement = place_image(100, 70, 64);
  const auto nothing = draw_mask(torch::full({1, 1, 16, 16}, -3.0F), placement, 0.5);
  CHECK(nothing.area_px == 0 && !nothing.bounding_box && !nothing.mean_probability);
  CHECK(nothing.mask.any().item<bool>() == false);
  const auto everything = draw_mask(torch::full({1, 1, 16, 16}, 3.0F), placement, 0.5);
  CHECK(everything.area_px == 7000);
  CHECK((everything.bounding_box == std::array<std::int64_t, 4>{0, 0, 100, 70}));
  CHECK(std::abs(*everything.mean_probability - (1 / (1 + std::exp(-3.0)))) < 1e-6);
}

TEST("draws one mask of several") {
  const auto logits = torch::randn({1, 3, 16, 16});
  expect_same(logits.narrow(1, 1, 1), place_image(90, 80, 64), 0.5);
}

TEST("draws the probabilities of the restored logits, and no larger than a side of 1024") {
  struct Case {
    std::int64_t width, height, drawn_width, drawn_height;
  };
  for (const auto& c : {Case{90, 80, 90, 80}, Case{40, 50, 40, 50}, Case{1, 300, 1, 300}, Case{1024, 7, 1024, 7},
                        Case{2048, 1000, 1024, 500}, Case{5000, 1, 1024, 1}}) {
    const auto placement = place_image(c.width, c.height, 64);
    const auto logits = random_logits(16);
    const auto drawn = draw_probabilities(logits, placement);
    CHECK(drawn.dtype() == torch::kUInt8 && drawn.is_contiguous());
    CHECK((drawn.sizes() == torch::IntArrayRef{c.drawn_height, c.drawn_width}));
    // Of a smaller picture each pixel stands for the middle of those that it covers.
    auto expected = restore_logits(logits, placement).sigmoid();
    if (c.width != c.drawn_width) {
      expected = at::upsample_bilinear2d(expected.unsqueeze(0).unsqueeze(0), drawn.sizes(), false)[0][0];
    }
    const auto error = (drawn.to(torch::kFloat) - expected * 255).abs().max().item<double>();
    CHECK(error < (c.width == c.drawn_width ? 0.51 : 4));
  }
}

TEST("draws the probabilities of one structure of several") {
  const auto logits = torch::randn({1, 3, 16, 16}) * 4;
  const auto placement = place_image(90, 80, 64);
  const auto drawn = draw_probabilities(logits.narrow(1, 2, 1), placement).to(torch::kFloat);
  const auto expected = restore_logits(logits.narrow(1, 2, 1), placement).sigmoid() * 255;
  CHECK((drawn - expected).abs().max().item<double>() < 0.51);
}

}  // namespace
}  // namespace automed::pipeline
