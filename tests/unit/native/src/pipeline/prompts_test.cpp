#include "pipeline/prompts.h"

#include <functional>
#include <limits>
#include <string>

#include "support/native_test.h"

namespace automed::pipeline {
namespace {

models::SamConfig small_config(bool adapter) {
  models::SamConfig config{};
  config.encoder = {.image_size = 64,
                    .patch_size = 16,
                    .embed_dim = 32,
                    .depth = 1,
                    .heads = 2,
                    .window_size = 4,
                    .global_blocks = {0},
                    .out_channels = 16,
                    .adapter = adapter};
  config.decoder = {.depth = 2, .heads = 2, .mlp_dim = 32, .iou_hidden = 16};
  return config;
}

LoadedBase small_base(bool adapter) {
  torch::manual_seed(11);
  const auto config = small_config(adapter);
  models::Sam sam(config);
  sam->eval();
  return {sam, config, torch::kCPU};
}

/// An image of 100 x 50 pixels on an input of 64.
Embedding some_embedding() {
  torch::manual_seed(12);
  return {torch::randn({1, 16, 4, 4}), place_image(100, 50, 64)};
}

Prompts point_at(float x, float y, float label = 1) {
  Prompts prompts;
  prompts.points = torch::tensor({{x, y}});
  prompts.labels = torch::tensor({label});
  return prompts;
}

Prompts boxes_of(const torch::Tensor& boxes) {
  Prompts prompts;
  prompts.boxes = boxes;
  return prompts;
}

std::string field_at_fault(const Prompts& prompts, ErrorCode code = ErrorCode::kInvalidArgument) {
  const auto error =
      test::error_of(code, [&] { check_prompts(prompts, some_embedding().placement, small_config(true)); });
  return error.field().value_or("");
}

TEST("names the coordinate that lies outside the image") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(field_at_fault(point_at(100, 0)) == "points[0].x_px");
  CHECK(field_at_fault(point_at(-0.5F, 0)) == "points[0].x_px");
  CHECK(field_at_fault(point_at(0, 50)) == "points[0].y_px");
  CHECK(field_at_fault(point_at(0, nan)) == "points[0].y_px");
  Prompts two;
  two.points = torch::tensor({{1.0F, 1.0F}, {3.0F, 77.0F}});
  two.labels = torch::tensor({1.0F, 0.0F});
  CHECK(field_at_fault(two) == "points[1].y_px");
  check_prompts(point_at(99.9F, 49.9F), some_embedding().placement, small_config(true));
}

TEST("names what is wrong with a box, whose far edges may be those of the image") {
  CHECK(field_at_fault(boxes_of(torch::tensor({{0.0F, 0.0F, 101.0F, 50.0F}}))) == "boxes[0].x1_px");
  CHECK(field_at_fault(boxes_of(torch::tensor({{0.0F, 0.0F, 9.0F, 9.0F}, {0.0F, 60.0F, 9.0F, 61.0F}}))) ==
        "boxes[1].y0_px");
  CHECK(field_at_fault(boxes_of(torch::tensor({{5.0F, 5.0F, 5.0F, 9.0F}}))) == "boxes[0].x1_px");
  CHECK(field_at_fault(boxes_of(torch::tensor({{5.0F, 9.0F, 6.0F, 8.0F}}))) == "boxes[0].y1_px");
  check_prompts(boxes_of(torch::tensor({{0.0F, 0.0F, 100.0F, 50.0F}})), some_embedding().placement, small_config(true));
}

TEST("refuses no prompt, an unknown label, a mask of another size, and points beside several boxes") {
  CHECK(field_at_fault({}) == "points");
  CHECK(field_at_fault(point_at(1, 1, 2)) == "points[0].label");
  Prompts mask;
  mask.mask = torch::zeros({8, 8});
  CHECK(field_at_fault(mask, ErrorCode::kShapeMismatch) == "mask_logits");
  mask.mask = torch::full({16, 16}, std::numeric_limits<float>::infinity());
  CHECK(field_at_fault(mask) == "mask_logits");
  auto both = point_at(1, 1);
  both.boxes = torch::tensor({{0.0F, 0.0F, 9.0F, 9.0F}, {20.0F, 20.0F, 30.0F, 30.0F}});
  CHECK(field_at_fault(both) == "points");
}

TEST("answers every mask of the decoder, best first, or the one to use") {
  for (const bool adapter : {false, true}) {
    const auto base = small_base(adapter);
    const auto embedding = some_embedding();
    auto prompts = point_at(30, 20);
    prompts.multimask = true;
    const auto all = predict_masks(base, embedding, prompts, 0.5);
    CHECK(all.size() == 3);
    CHECK(all[0].predicted_iou >= all[1].predicted_iou && all[1].predicted_iou >= all[2].predicted_iou);
    CHECK(all[0].drawn.mask.sizes() == torch::IntArrayRef({50, 100}));
    prompts.multimask = false;
    const auto one = predict_masks(base, embedding, prompts, 0.5);
    CHECK(one.size() == 1);
    // SAM-Med2D's answer is the best of its three, SAM's the decoder's own single mask.
    const bool same = test::max_difference(one[0].low_res, all[0].low_res) < 1e-5;
    CHECK(same == adapter);
  }
}

TEST("answers each of several boxes as if it were alone") {
  const auto base = small_base(false);
  const auto embedding = some_embedding();
  const auto boxes = torch::tensor({{5.0F, 5.0F, 40.0F, 30.0F}, {50.0F, 10.0F, 90.0F, 45.0F}});
  const auto together = predict_masks(base, embedding, boxes_of(boxes), 0.5);
  CHECK(together.size() == 2 && together[0].object == 0 && together[1].object == 1);
  for (std::int64_t i = 0; i < 2; ++i) {
    const auto alone = predict_masks(base, embedding, boxes_of(boxes.slice(0, i, i + 1)), 0.5);
    CHECK(test::max_difference(alone[0].low_res, together[static_cast<std::size_t>(i)].low_res) < 1e-4);
  }
}

TEST("does with coordinates of the image what the decoder does with those of the input") {
  const auto base = small_base(false);
  const auto embedding = some_embedding();
  auto sam = base.sam();
  const c10::InferenceMode guard;
  // 100 x 50 is stretched to 64 x 64.
  const models::PointPrompt placed{.coords = torch::tensor({{{30.0F * 0.64F, 20.0F * 1.28F}}}),
                                   .labels = torch::tensor({{1.0F}})};
  const auto prompt = sam->prompt_encoder->forward(placed, std::nullopt, std::nullopt);
  const auto expected = sam->mask_decoder->forward(embedding.features, sam->prompt_encoder->dense_pe(), prompt.sparse,
                                                   prompt.dense, /*multimask=*/false);
  const auto predicted = predict_masks(base, embedding, point_at(30, 20), 0.5);
  CHECK(test::max_difference(predicted[0].low_res, expected.masks[0][0]) < 1e-5);
  const auto restored = restore_logits(expected.masks, embedding.placement);
  CHECK(predicted[0].drawn.area_px == (restored > 0).sum().item<std::int64_t>());
}

TEST("scales prompts by the longest side and crops the padding where the base wants its images so") {
  const auto base = small_base(false);
  auto embedding = some_embedding();
  embedding.placement = place_image(100, 50, 64, {.fit = models::Fit::kLongestSide});  // 64 x 32 in the upper half
  auto sam = base.sam();
  const c10::InferenceMode guard;
  const auto box = torch::tensor({{10.0F, 20.0F, 90.0F, 50.0F}});
  const auto prompt = sam->prompt_encoder->forward(std::nullopt, box * 0.64, std::nullopt);
  const auto expected = sam->mask_decoder->forward(embedding.features, sam->prompt_encoder->dense_pe(), prompt.sparse,
                                                   prompt.dense, /*multimask=*/false);
  const auto predicted = predict_masks(base, embedding, boxes_of(box), 0.5);
  CHECK(test::max_difference(predicted[0].low_res, expected.masks[0][0]) < 1e-5);
  const auto full = at::upsample_bilinear2d(expected.masks, {64, 64}, false);
  const auto restored = at::upsample_bilinear2d(full.slice(2, 0, 32), {50, 100}, false)[0][0];
  CHECK(torch::equal(predicted[0].drawn.mask, (restored > 0).to(torch::kUInt8)));
}

TEST("gives an earlier mask to SAM as logits and to SAM-Med2D as probabilities") {
  for (const bool adapter : {false, true}) {
    const auto base = small_base(adapter);
    const auto embedding = some_embedding();
    auto prompts = point_at(30, 20);
    prompts.mask = predict_masks(base, embedding, prompts, 0.5)[0].low_res;
    auto sam = base.sam();
    const c10::InferenceMode guard;
    const models::PointPrompt placed{.coords = place_points(prompts.points, embedding.placement).unsqueeze(0),
                                     .labels = torch::tensor({{1.0F}})};
    const auto given = prompts.mask.unsqueeze(0).unsqueeze(0);
    const auto prompt = sam->prompt_encoder->forward(placed, std::nullopt, adapter ? torch::sigmoid(given) : given);
    const auto expected = sam->mask_decoder->forward(embedding.features, sam->prompt_encoder->dense_pe(), prompt.sparse,
                                                     prompt.dense, /*multimask=*/adapter);
    const auto best = expected.iou[0].argmax().item<std::int64_t>();
    const auto refined = predict_masks(base, embedding, prompts, 0.5);
    CHECK(test::max_difference(refined[0].low_res, expected.masks[0][best]) < 1e-5);
  }
}

}  // namespace
}  // namespace automed::pipeline
