#include "pipeline/drawn_mask.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/error.h"
#include "pipeline/bilinear.h"

namespace automed::pipeline {
namespace {

/// Logits that are turned into probabilities at a time; they stay in the processor's cache.
constexpr std::size_t kGathered = 1 << 14;

/// Multiplied by this, the highest byte is the sum of all.
constexpr std::uint64_t kEachByte = 0x0101010101010101;

constexpr std::size_t kBlock = BilinearRows::kBlock;

/// A byte for each logit, 1 where it is above. Compilers turn loops of a fixed length into vector instructions.
std::array<std::uint8_t, kBlock> above(const float* logits, float logit) {
  std::array<std::uint8_t, kBlock> bits;
  for (std::size_t i = 0; i < kBlock; ++i) bits[i] = static_cast<std::uint8_t>(logits[i] > logit);
  return bits;
}

/// The logits of the foreground; minus infinity, whose probability is 0, elsewhere.
void keep_foreground(const float* __restrict logits, float logit, float* __restrict out) {
  constexpr float kNothing = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < kBlock; ++i) out[i] = logits[i] > logit ? logits[i] : kNothing;
}

void add_to(std::uint8_t* __restrict columns, const std::array<std::uint8_t, kBlock>& bits) {
  for (std::size_t i = 0; i < kBlock; ++i) columns[i] |= bits[i];
}

/// Turns rows of logits into a mask, and measures it on the way: one pass, whatever the size of the image.
class Tracer {
 public:
  Tracer(std::int64_t width, double logit)
      // LibTorch compares float32 with a number in float32.
      : width_(static_cast<std::size_t>(width)), logit_(static_cast<float>(logit)) {
    const auto padded = (width_ + kBlock - 1) / kBlock * kBlock;
    bits_.resize(padded);
    columns_.resize(padded);
    gathered_.resize(kGathered + padded);
  }

  /// @param logits padded to whole blocks with what is no foreground
  void draw(const float* logits, std::int64_t y, std::uint8_t* out) {
    std::int64_t count = 0;
    for (std::size_t x = 0; x < bits_.size(); x += kBlock) count += draw_block(logits + x, x);
    std::memcpy(out, bits_.data(), width_);
    if (count == 0) return;
    if (area_ == 0) top_ = y;
    bottom_ = y;
    area_ += count;
    if (used_ >= kGathered) add_probabilities();
  }

  void finish(DrawnMask& mask) {
    mask.area_px = area_;
    if (area_ == 0) return;
    add_probabilities();
    mask.mean_probability = probabilities_ / static_cast<double>(area_);
    const auto first = std::find(columns_.begin(), columns_.end(), 1) - columns_.begin();
    const auto last = columns_.rend() - std::find(columns_.rbegin(), columns_.rend(), 1) - 1;
    mask.bounding_box = std::array<std::int64_t, 4>{first, top_, last - first + 1, bottom_ - top_ + 1};
  }

 private:
  std::int64_t draw_block(const float* logits, std::size_t x) {
    const auto bits = above(logits, logit_);
    std::memcpy(bits_.data() + x, bits.data(), kBlock);
    const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(bits);
    if ((halves[0] | halves[1]) == 0) return 0;
    keep_foreground(logits, logit_, gathered_.data() + used_);
    used_ += kBlock;
    add_to(columns_.data() + x, bits);
    return static_cast<std::int64_t>(((halves[0] + halves[1]) * kEachByte) >> 56);  // the sum of all bytes
  }

  void add_probabilities() {
    auto values = torch::from_blob(gathered_.data(), {static_cast<std::int64_t>(used_)});
    probabilities_ += values.sigmoid_().sum().item<double>();
    used_ = 0;
  }

  std::size_t width_;
  float logit_;
  std::vector<std::uint8_t> bits_, columns_;
  std::vector<float> gathered_;
  std::size_t used_ = 0;
  std::int64_t area_ = 0, top_ = 0, bottom_ = 0;
  double probabilities_ = 0;
};

BilinearRows::Plane plane_of(const torch::Tensor& inner) {
  return {inner.const_data_ptr<float>(), inner.size(0), inner.size(1), inner.stride(0)};
}

}  // namespace

void check_threshold(double threshold) {
  if (threshold > 0 && threshold < 1) return;
  throw Error(ErrorCode::kInvalidArgument, "threshold must lie in (0, 1)", "threshold");
}

std::optional<std::array<std::int64_t, 4>> bounding_box_of(const torch::Tensor& mask) {
  const auto rows = mask.any(1).nonzero().flatten();
  if (rows.numel() == 0) return std::nullopt;
  const auto columns = mask.any(0).nonzero().flatten();
  const auto top = rows[0].item<std::int64_t>();
  const auto left = columns[0].item<std::int64_t>();
  return std::array{left, top, columns[-1].item<std::int64_t>() - left + 1, rows[-1].item<std::int64_t>() - top + 1};
}

DrawnMask draw_mask(const torch::Tensor& logits, const Placement& placement, double threshold) {
  const auto inner = logits_of_image(logits, placement);  // inner_height,inner_width
  BilinearRows rows(plane_of(inner), placement.height, placement.width);
  DrawnMask result;
  result.mask = torch::empty({placement.height, placement.width}, torch::kUInt8);
  Tracer tracer(placement.width, std::log(threshold / (1 - threshold)));
  for (std::int64_t y = 0; y < placement.height; ++y) {
    tracer.draw(rows.row(y), y, result.mask.mutable_data_ptr<std::uint8_t>() + y * placement.width);
  }
  tracer.finish(result);
  return result;
}

torch::Tensor draw_probabilities(const torch::Tensor& logits, const Placement& placement) {
  const auto longest = std::max(placement.width, placement.height);
  const auto scaled = [&](std::int64_t side) {
    if (longest <= kProbabilitySide) return side;
    return std::max<std::int64_t>(1, (side * kProbabilitySide + longest / 2) / longest);
  };
  const auto height = scaled(placement.height), width = scaled(placement.width);
  const auto inner = logits_of_image(logits, placement);  // inner_height,inner_width
  BilinearRows rows(plane_of(inner), height, width);
  auto plane = torch::empty({height, width});
  auto* values = plane.mutable_data_ptr<float>();
  for (std::int64_t y = 0; y < height; ++y) std::copy_n(rows.row(y), width, values + y * width);
  return plane.sigmoid_().mul_(255).round_().to(torch::kUInt8);
}

}  // namespace automed::pipeline
