#include "train/augment.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace automed::train {
namespace {

std::uint64_t split_mix(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

torch::Tensor rotation_grid(double radians, std::int64_t size) {
  const auto c = static_cast<float>(std::cos(radians));
  const auto s = static_cast<float>(std::sin(radians));
  const auto theta = torch::tensor({c, -s, 0.0F, s, c, 0.0F}).view({1, 2, 3});
  return at::affine_grid_generator(theta, {1, 1, size, size}, /*align_corners=*/false);  // 1,S,S,2
}

}  // namespace

std::uint64_t Random::next() {
  return split_mix(state_);
}

double Random::uniform() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

std::uint64_t Random::below(std::uint64_t n) {
  const std::uint64_t limit = n * (UINT64_MAX / n);  // whole multiples of n only, so that no number is favoured
  std::uint64_t value = next();
  while (value >= limit) value = next();
  return value % n;
}

std::uint64_t mix_seed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t state = a;
  state = split_mix(state) ^ b;
  return split_mix(state);
}

Transform draw_transform(const AugmentOptions& options, std::uint64_t seed, std::uint64_t epoch, std::uint64_t index) {
  Random random(mix_seed(mix_seed(seed, epoch), index));
  Transform transform;
  transform.horizontal = options.horizontal_flip && random.uniform() < 0.5;
  transform.vertical = options.vertical_flip && random.uniform() < 0.5;
  const std::uint32_t flips = (transform.horizontal ? 1U : 0U) + (transform.vertical ? 2U : 0U);
  transform.variant = flips;
  if (options.rotation_degrees <= 0) return transform;
  if (options.rotation_steps == 0) {
    transform.degrees = (2 * random.uniform() - 1) * options.rotation_degrees;
    transform.variant.reset();
    return transform;
  }
  const auto step = random.below(static_cast<std::uint64_t>(options.rotation_steps));
  const double middle = (static_cast<double>(step) + 0.5) / static_cast<double>(options.rotation_steps);
  transform.degrees = (2 * middle - 1) * options.rotation_degrees;
  transform.variant = flips + 4 * static_cast<std::uint32_t>(step + 1);
  return transform;
}

Sample apply_transform(Sample sample, const Transform& transform) {
  std::vector<std::int64_t> flipped;  // counted from the end: images are 3,S,S, masks K,S,S
  if (transform.horizontal) flipped.push_back(-1);
  if (transform.vertical) flipped.push_back(-2);
  if (!flipped.empty()) {
    sample.image = sample.image.flip(flipped);
    if (sample.mask.defined()) sample.mask = sample.mask.flip(flipped);
  }
  if (transform.degrees != 0) {
    const auto grid = rotation_grid(transform.degrees * std::numbers::pi / 180, sample.image.size(-1));
    constexpr std::int64_t kBilinear = 0;
    constexpr std::int64_t kNearest = 1;
    constexpr std::int64_t kZeros = 0;
    sample.image = at::grid_sampler_2d(sample.image.unsqueeze(0), grid, kBilinear, kZeros, false)[0];
    if (sample.mask.defined()) {
      const auto mask = sample.mask.to(torch::kFloat32).unsqueeze(0);  // 1,K,S,S
      sample.mask = at::grid_sampler_2d(mask, grid, kNearest, kZeros, false)[0].to(torch::kUInt8);
    }
  }
  return sample;
}

Sample augment(Sample sample, const AugmentOptions& options, std::uint64_t seed, std::uint64_t epoch,
               std::uint64_t index) {
  return apply_transform(std::move(sample), draw_transform(options, seed, epoch, index));
}

}  // namespace automed::train
