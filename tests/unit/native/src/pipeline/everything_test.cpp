#include "pipeline/everything.h"

#include <algorithm>
#include <vector>

#include "support/native_test.h"

namespace automed::pipeline {
namespace {

using Boxes = std::vector<std::array<float, 4>>;

LoadedBase everything_base() {
  torch::manual_seed(21);
  models::SamConfig config{};
  config.encoder = {.image_size = 64,
                    .patch_size = 16,
                    .embed_dim = 32,
                    .depth = 1,
                    .heads = 2,
                    .window_size = 4,
                    .global_blocks = {0},
                    .out_channels = 16,
                    .adapter = false};
  config.decoder = {.depth = 2, .heads = 2, .mlp_dim = 32, .iou_hidden = 16};
  models::Sam sam(config);
  sam->eval();
  return {sam, config, torch::kCPU};
}

Embedding embedding_of_image() {
  torch::manual_seed(22);
  return {torch::randn({1, 16, 4, 4}) * 3, place_image(90, 60, 64)};
}

/// Random weights are sure of nothing: these let candidates through.
EverythingOptions lenient() {
  return {.points_per_side = 6, .points_per_batch = 7, .min_predicted_iou = 0, .min_stability = 0, .nms_iou = 0.7};
}

void go_on() {}

TEST("keeps the best of boxes that overlap, as torchvision's nms does") {
  const Boxes boxes{{0, 0, 10, 10}, {1, 1, 11, 11}, {20, 20, 30, 30}, {0, 0, 10, 9}, {20, 20, 31, 30}};
  const std::vector<double> scores{0.8, 0.9, 0.5, 0.7, 0.6};
  // IoU of 0 and 1: 81 / 119 = 0.68; of 0 and 3: 0.9; of 1 and 3: 72 / 118 = 0.61; of 2 and 4: 100 / 110.
  CHECK((suppress_overlaps(boxes, scores, 0.7) == std::vector<std::size_t>{1, 0, 4}));
  CHECK((suppress_overlaps(boxes, scores, 0.65) == std::vector<std::size_t>{1, 3, 4}));
  CHECK((suppress_overlaps(boxes, scores, 1) == std::vector<std::size_t>{1, 0, 3, 4, 2}));
  CHECK(suppress_overlaps({}, {}, 0.5).empty());
}

TEST("takes a threshold of single precision for the decimal that was meant, and compares an IoU in float32") {
  const auto kept = [](float overlap, double max_iou) {
    return suppress_overlaps({{0, 0, 10, 10}, {0, 0, overlap, 10}}, {0.9, 0.8}, max_iou).size();
  };
  // 7 / 10 is not above 0.7, which the nearest float32 lies below; 6 / 10 is above 0.6 as a float32.
  CHECK(kept(7, 0.7) == 2 && kept(7, 0.7F) == 2);
  CHECK(kept(6, 0.6) == 1 && kept(6, 0.6F) == 1);
  CHECK(kept(8, 0.7F) == 1);
  for (int percent = 1; percent < 100; ++percent) {
    const double limit = percent / 100.0;
    for (float overlap = 1; overlap < 10; ++overlap) {
      CHECK(kept(overlap, limit) == kept(overlap, static_cast<float>(limit)));
    }
  }
}

TEST("keeps boxes without area, whose overlap is no number") {
  CHECK(suppress_overlaps({{5, 5, 5, 5}, {5, 5, 5, 5}}, {0.5, 0.6}, 0.7).size() == 2);
}

TEST("finds masks whose every figure follows from their logits") {
  const auto base = everything_base();
  const auto embedding = embedding_of_image();
  const auto options = lenient();
  const auto found = find_everything(base, embedding, options, go_on);
  CHECK(!found.empty());
  double last = 1e9;
  for (const auto& mask : found) {
    CHECK(mask.predicted_iou <= last && mask.predicted_iou > options.min_predicted_iou);
    last = mask.predicted_iou;
    CHECK(mask.stability >= 0 && mask.stability <= 1);
    CHECK(mask.drawn.mask.sizes() == torch::IntArrayRef({60, 90}));
    CHECK(mask.drawn.area_px == mask.drawn.mask.sum().item<std::int64_t>() && mask.drawn.area_px > 0);
    // A grid of 6 x 6 points: the centres of cells of 15 x 10 pixels.
    CHECK(std::fmod(mask.point[0] - 7.5F, 15.0F) == 0 && std::fmod(mask.point[1] - 5.0F, 10.0F) == 0);
  }
}

TEST("finds the same whatever the size of the decoder's batches") {
  const auto base = everything_base();
  const auto embedding = embedding_of_image();
  auto options = lenient();
  const auto some = find_everything(base, embedding, options, go_on);
  options.points_per_batch = 36;
  const auto all = find_everything(base, embedding, options, go_on);
  CHECK(some.size() == all.size());
  for (std::size_t i = 0; i < some.size(); ++i) {
    CHECK(std::abs(some[i].predicted_iou - all[i].predicted_iou) < 1e-4);
    CHECK(std::abs(some[i].drawn.area_px - all[i].drawn.area_px) <= 5);
  }
}

TEST("finds less where more is asked of a mask") {
  const auto base = everything_base();
  const auto embedding = embedding_of_image();
  const auto all = find_everything(base, embedding, lenient(), go_on);
  auto options = lenient();
  options.min_predicted_iou = all.back().predicted_iou;  // strictly above
  CHECK(find_everything(base, embedding, options, go_on).size() < all.size());
  options = lenient();
  options.min_stability = 1;
  for (const auto& mask : find_everything(base, embedding, options, go_on)) CHECK(mask.stability == 1);
  options = lenient();
  options.nms_iou = 0;
  CHECK(find_everything(base, embedding, options, go_on).size() <= all.size());
}

TEST("keeps a mask whose own stability is the threshold") {
  const auto base = everything_base();
  const auto embedding = embedding_of_image();
  for (const auto& mask : find_everything(base, embedding, lenient(), go_on)) {
    auto options = lenient();
    options.min_stability = static_cast<float>(mask.stability);  // as the API answers it
    const auto found = find_everything(base, embedding, options, go_on);
    CHECK(std::any_of(found.begin(), found.end(), [&](const auto& other) {
      return other.point == mask.point && other.predicted_iou == mask.predicted_iou;
    }));
  }
}

TEST("ends between two batches when nobody wants the result") {
  int batches = 0;
  test::error_of(ErrorCode::kCancelled, [&] {
    find_everything(everything_base(), embedding_of_image(), lenient(), [&] {
      if (++batches == 3) throw Error(ErrorCode::kCancelled, "enough");
    });
  });
  CHECK(batches == 3);
}

TEST("names the parameter of everything mode that is out of range") {
  const auto field = [](auto change) {
    EverythingOptions options;
    change(options);
    return test::error_of(ErrorCode::kInvalidArgument, [&] { check_everything(options); }).field();
  };
  check_everything({});
  CHECK(field([](auto& o) { o.points_per_side = 0; }) == "points_per_side");
  CHECK(field([](auto& o) { o.points_per_side = 129; }) == "points_per_side");
  CHECK(field([](auto& o) { o.min_predicted_iou = 1.1; }) == "min_predicted_iou");
  CHECK(field([](auto& o) { o.nms_iou = -0.1; }) == "nms_iou");
  CHECK(field([](auto& o) { o.stability_offset = 0; }) == "stability_offset");
}

TEST("refuses to draw more masks than are accepted") {
  const auto base = everything_base();
  const auto embedding = embedding_of_image();
  auto options = lenient();
  const auto found = find_everything(base, embedding, options, go_on).size();
  options.max_masks = static_cast<std::int64_t>(found);
  CHECK(find_everything(base, embedding, options, go_on).size() == found);
  options.max_masks -= 1;
  const auto error =
      test::error_of(ErrorCode::kInvalidArgument, [&] { find_everything(base, embedding, options, go_on); });
  CHECK(error.field() == "min_stability");
  options.max_masks = 0;
  CHECK(test::error_of(ErrorCode::kInvalidArgument, [&] { check_everything(options); }).field() == "max_masks");
}

}  // namespace
}  // namespace automed::pipeline
