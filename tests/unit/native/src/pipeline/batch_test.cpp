#include "pipeline/batch.h"

#include <random>
#include <vector>

#include "support/native_test.h"

namespace automed::pipeline {
namespace {

constexpr std::int64_t kDepth = 12, kSize = 64;

std::shared_ptr<const LoadedBase> base_of_twelve_blocks() {
  torch::manual_seed(31);
  models::SamConfig config{};
  config.encoder = {.image_size = kSize,
                    .patch_size = 16,
                    .embed_dim = 32,
                    .depth = kDepth,
                    .heads = 2,
                    .window_size = 4,
                    .global_blocks = {0},
                    .out_channels = 16,
                    .adapter = false};
  config.decoder = {.depth = 2, .heads = 2, .mlp_dim = 32, .iou_hidden = 16};
  models::Sam sam(config);
  sam->eval();
  return std::make_shared<const LoadedBase>(sam, config, torch::kCPU);
}

/// Images of one batch, each with the number of looks after which its caller leaves.
class Callers {
 public:
  Callers(const Job& job, const std::vector<int>& leave_after) : job_(job), looks_(leave_after.size()) {
    pixels_.resize(leave_after.size());
    for (std::size_t i = 0; i < leave_after.size(); ++i) {
      pixels_[i].resize(kSize * kSize * 3, static_cast<std::uint8_t>(40 * i + 20));
      const PixelView view{
          .data = pixels_[i].data(), .size_bytes = pixels_[i].size(), .width = kSize, .height = kSize, .channels = 3};
      sources_.push_back({.pixels = view, .embedding_key = "image " + std::to_string(i)});
    }
    leave_after_ = leave_after;
  }

  std::vector<Batch::Item> items() {
    std::vector<Batch::Item> result;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      result.push_back({.job = &job_, .image = &sources_[i], .queue_ms = 0, .checkpoint = [this, i] {
                          if (looks_[i]++ >= leave_after_[i]) throw Error(ErrorCode::kCancelled, "left");
                        }});
    }
    return result;
  }

  int looks(std::size_t index) const { return looks_[index]; }

 private:
  const Job& job_;
  std::vector<std::vector<std::uint8_t>> pixels_;
  std::vector<ImageSource> sources_;
  std::vector<int> leave_after_, looks_;
};

constexpr int kStays = 1 << 20;

bool cancelled(const Result& result) {
  const auto* error = std::get_if<Error>(&result);
  return error != nullptr && error->code() == ErrorCode::kCancelled;
}

TEST("a batch lets go of the image whose caller leaves between two blocks, and the others stay as they were") {
  const Job job = EncodeJob{base_of_twelve_blocks()};
  EmbeddingCache alone({.max_bytes = 1 << 20}), together({.max_bytes = 1 << 20});
  Callers all(job, {kStays, kStays, kStays});
  Batch undisturbed(all.items(), alone);
  CHECK(undisturbed.forward() == 3);
  CHECK(all.looks(0) > kDepth);

  Callers two(job, {kStays, 5, kStays});
  Batch batch(two.items(), together);
  CHECK(batch.forward() == 2);
  CHECK(two.looks(1) == 6);  // never asked again
  for (const std::size_t i : {0U, 2U}) {
    CHECK(std::holds_alternative<EncodeResult>(batch.finish(i)));
    const auto key = "image " + std::to_string(i);
    CHECK(torch::allclose(together.find(key)->features, alone.find(key)->features, 1e-4, 1e-5));
  }
  CHECK(cancelled(batch.finish(1)));
  CHECK(!together.find("image 1"));
}

TEST("a batch ends when all have left, and what it did for nobody is at most one step") {
  const Job job = EncodeJob{base_of_twelve_blocks()};
  EmbeddingCache cache({.max_bytes = 1 << 20});
  Callers callers(job, {6, 6});
  Batch batch(callers.items(), cache);
  CHECK(batch.forward() == 0);
  CHECK(cancelled(batch.finish(0)) && cancelled(batch.finish(1)));
  CHECK(callers.looks(0) == 7 && callers.looks(1) == 7);
  const auto compute = batch.take_compute();
  CHECK(compute.wasted_after > 0 && compute.wasted_before > 0);
  CHECK(compute.wasted_before + compute.wasted_after <= compute.total * (1 + 1e-9));
  CHECK(batch.take_compute().total == 0);
}

TEST("prompts and a finished pass are left as soon as nobody waits") {
  const auto base = base_of_twelve_blocks();
  PromptJob prompt{.base = base, .prompts = {}};
  prompt.prompts.points = torch::tensor({{10.F, 10.F}});
  prompt.prompts.labels = torch::ones({1});
  const Job job = prompt;
  EmbeddingCache cache({.max_bytes = 1 << 20});
  Callers stays(job, {kStays});
  Batch whole(stays.items(), cache);
  whole.forward();
  CHECK(std::holds_alternative<PromptResult>(whole.finish(0)));
  const int looks = stays.looks(0);
  CHECK(looks >= kDepth + 6);  // also between the decoder's steps
  for (int leave = 0; leave < looks; ++leave) {
    EmbeddingCache empty({.max_bytes = 0});
    Callers leaves(job, {leave});
    Batch batch(leaves.items(), empty);
    batch.forward();
    CHECK(cancelled(batch.finish(0)));
    CHECK(leaves.looks(0) == leave + 1);
  }
}

TEST("when half of the callers leave at random moments, at most 5 % of the steps are done for nobody") {
  const Job job = EncodeJob{base_of_twelve_blocks()};
  EmbeddingCache cache({.max_bytes = 0});
  Callers whole(job, {kStays});
  Batch one(whole.items(), cache);
  one.forward();
  one.finish(0);
  std::mt19937 random(5);
  std::uniform_int_distribution<int> moment(0, whole.looks(0) - 1);
  int steps = 0, late = 0;
  for (int round = 0; round < 60; ++round) {
    Callers callers(job, {kStays, moment(random), kStays, moment(random)});
    Batch batch(callers.items(), cache);
    batch.forward();
    for (std::size_t i = 0; i < 4; ++i) {
      late += cancelled(batch.finish(i)) ? 1 : 0;
      steps += callers.looks(i);
    }
  }
  CHECK(late == 120);
  CHECK(late <= 0.05 * steps);
}

}  // namespace
}  // namespace automed::pipeline
