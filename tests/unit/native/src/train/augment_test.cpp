#include "train/augment.h"

#include <cmath>
#include <map>
#include <set>

#include "support/native_test.h"

namespace automed::train {
namespace {

Sample sample_with_square() {
  Sample sample;
  sample.mask = torch::zeros({1, 64, 64}, torch::kUInt8);
  sample.mask.slice(1, 10, 25).slice(2, 30, 50).fill_(1);
  sample.image = sample.mask.to(torch::kFloat32).expand({3, 64, 64}).clone();
  return sample;
}

TEST("flips image and mask alike") {
  const AugmentOptions options{.horizontal_flip = true, .vertical_flip = true};
  std::set<std::pair<bool, bool>> seen;
  for (std::uint64_t index = 0; index < 32; ++index) {
    const auto sample = augment(sample_with_square(), options, 1, 0, index);
    CHECK(test::max_difference(sample.image[0], sample.mask[0].to(torch::kFloat32)) == 0);
    seen.insert({sample.mask[0][12][32].item<int>() == 1, sample.mask[0][12][31].item<int>() == 1});
  }
  CHECK(seen.size() > 1);  // not the same draw for every sample
}

TEST("rotates image and mask by the same angle and keeps mask values exact") {
  const AugmentOptions options{.rotation_degrees = 40};
  for (std::uint64_t index = 0; index < 16; ++index) {
    const auto sample = augment(sample_with_square(), options, 1, 0, index);
    const auto nearest = (sample.image[0] > 0.5).to(torch::kUInt8);
    CHECK((nearest != sample.mask[0]).sum().item<std::int64_t>() <= 12);  // they may differ along the edge only
    CHECK(sample.mask.max().item<int>() == 1);
    CHECK(sample.mask.eq(0).logical_or(sample.mask.eq(1)).all().item<bool>());
  }
}

TEST("moves every structure's mask by the same transform") {
  const AugmentOptions options{.horizontal_flip = true, .vertical_flip = true, .rotation_degrees = 40};
  for (std::uint64_t index = 0; index < 8; ++index) {
    auto two = sample_with_square();
    two.mask = two.mask.repeat({2, 1, 1});
    const auto sample = augment(two, options, 1, 0, index);
    CHECK(torch::equal(sample.mask[0], sample.mask[1]));
    CHECK(torch::equal(sample.mask.slice(0, 0, 1), augment(sample_with_square(), options, 1, 0, index).mask));
  }
}

TEST("draws by seed, epoch and index, not by order") {
  const AugmentOptions options{.horizontal_flip = true, .vertical_flip = true, .rotation_degrees = 40};
  const auto draw = [&](std::uint64_t seed, std::uint64_t epoch, std::uint64_t index) {
    return augment(sample_with_square(), options, seed, epoch, index).image;
  };
  const auto first = draw(1, 2, 3);
  draw(9, 9, 9);
  CHECK(torch::equal(first, draw(1, 2, 3)));
  CHECK(!torch::equal(first, draw(1, 3, 3)));
  CHECK(!torch::equal(first, draw(2, 2, 3)));
}

TEST("numbers a transform the same whenever it is drawn, and a free rotation not at all") {
  const AugmentOptions options{
      .horizontal_flip = true, .vertical_flip = true, .rotation_degrees = 40, .rotation_steps = 5};
  std::map<std::uint32_t, torch::Tensor> seen;
  for (std::uint64_t epoch = 0; epoch < 200; ++epoch) {
    const auto transform = draw_transform(options, 1, epoch, 0);
    CHECK(transform.variant && std::abs(transform.degrees) < 40);
    const auto image = apply_transform(sample_with_square(), transform).image;
    const auto [found, fresh] = seen.emplace(*transform.variant, image);
    CHECK(torch::equal(found->second, image));
  }
  CHECK(seen.size() == 4 * 5);
  const AugmentOptions flips{.horizontal_flip = true, .vertical_flip = true};
  std::set<std::uint32_t> variants;
  for (std::uint64_t epoch = 0; epoch < 50; ++epoch) variants.insert(*draw_transform(flips, 1, epoch, 0).variant);
  CHECK((variants == std::set<std::uint32_t>{0, 1, 2, 3}));
  CHECK(!draw_transform({.rotation_degrees = 40}, 1, 0, 0).variant);
}

}  // namespace
}  // namespace automed::train
