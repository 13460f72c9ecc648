#include "train/augment.h"

#include <cmath>
#include <numbers>

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

Sample augment(Sample sample, const AugmentOptions& options, std::uint64_t seed, std::uint64_t epoch,
               std::uint64_t index) {
  Random random(mix_seed(mix_seed(seed, epoch), index));
  const bool horizontal = options.horizontal_flip && random.uniform() < 0.5;
  const bool vertical = options.vertical_flip && random.uniform() < 0.5;
  std::vector<std::int64_t> flipped;  // counted from the end: images are 3,S,S, masks K,S,S
  if (horizontal) flipped.push_back(-1);
  if (vertical) flipped.push_back(-2);
  if (!flipped.empty()) {
    sample.image = sample.image.flip(flipped);
    if (sample.mask.defined()) sample.mask = sample.mask.flip(flipped);
  }
  if (options.rotation_degrees > 0) {
    const double degrees = (2 * random.uniform() - 1) * options.rotation_degrees;
    const auto grid = rotation_grid(degrees * std::numbers::pi / 180, sample.image.size(-1));
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

}  // namespace automed::train
