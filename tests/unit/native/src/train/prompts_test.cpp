#include "train/prompts.h"

#include "support/native_test.h"

namespace automed::train {
namespace {

/// Two masks of 32 x 32: a rectangle (columns 5 to 12, rows 8 to 17), and nothing.
torch::Tensor rectangle_and_nothing() {
  auto masks = torch::zeros({2, 1, 32, 32});
  masks[0][0].slice(0, 8, 18).slice(1, 5, 13).fill_(1);
  return masks;
}

TEST("prompts: a box ends one pixel beyond the mask, and is the whole image for an empty one") {
  const auto boxes = box_prompts(rectangle_and_nothing());
  CHECK(torch::equal(boxes, torch::tensor({{5.f, 8.f, 13.f, 18.f}, {0.f, 0.f, 32.f, 32.f}})));
}

TEST("prompts: a jittered box stays near its mask and inside the image") {
  Random random(4);
  const auto boxes = torch::tensor({{5.f, 8.f, 13.f, 18.f}, {0.f, 0.f, 32.f, 32.f}, {3.f, 3.f, 4.f, 4.f}});
  bool moved = false;
  for (int i = 0; i < 50; ++i) {
    const auto jittered = jitter_boxes(boxes, 32, random);
    const auto difference = (jittered - boxes).abs();
    CHECK(difference[0].max().item<float>() <= 4);  // half of the shorter side
    CHECK(difference[1].max().item<float>() <= 5);
    CHECK(difference[2].max().item<float>() == 0);
    CHECK(jittered.min().item<float>() >= 0 && jittered.max().item<float>() <= 32);
    moved = moved || difference.max().item<float>() > 0;
  }
  CHECK(moved);
}

TEST("prompts: a point lies in its mask, and is background where there is none") {
  Random random(1);
  const auto masks = rectangle_and_nothing();
  for (int i = 0; i < 20; ++i) {
    const auto points = point_prompts(masks, random);
    CHECK(points.coords.sizes() == torch::IntArrayRef({2, 1, 2}));
    const auto x = points.coords[0][0][0].item<std::int64_t>();
    const auto y = points.coords[0][0][1].item<std::int64_t>();
    CHECK(masks[0][0][y][x].item<float>() == 1);
    CHECK(torch::equal(points.labels, torch::tensor({{1.f}, {0.f}})));
  }
}

TEST("prompts: corrections point at mistakes and say the truth") {
  Random random(2);
  const auto masks = rectangle_and_nothing();
  auto predicted = masks.to(torch::kBool).clone();
  predicted[0][0][9].slice(0, 5, 13).fill_(false);  // a row that was missed
  predicted[1][0][20].slice(0, 3, 6).fill_(true);   // pixels that are not there
  const auto points = correction_points(predicted, masks, 9, random);
  CHECK(points.coords.sizes() == torch::IntArrayRef({2, 9, 2}));
  for (int i = 0; i < 9; ++i) {
    CHECK(points.coords[0][i][1].item<float>() == 9 && points.labels[0][i].item<float>() == 1);
    CHECK(points.coords[1][i][1].item<float>() == 20 && points.labels[1][i].item<float>() == 0);
  }
  const auto none = correction_points(masks.to(torch::kBool), masks, 3, random);
  CHECK((none.labels == -1).all().item<bool>());
}

TEST("prompts: the same seed points at the same pixels") {
  Random first(7), second(7), other(8);
  const auto masks = torch::ones({4, 1, 32, 32});
  const auto points = point_prompts(masks, first).coords;
  CHECK(torch::equal(points, point_prompts(masks, second).coords));
  CHECK(!torch::equal(points, point_prompts(masks, other).coords));
}

}  // namespace
}  // namespace automed::train
