#include "train/prompts.h"

#include <algorithm>
#include <vector>

namespace automed::train {
namespace {

constexpr std::int64_t kMaxJitter = 5;  // pixels
constexpr double kJitterShare = 0.5;    // of the box's shorter side (SAM-Med2D: five deviations of a tenth)
constexpr float kBackground = 0;
constexpr float kForeground = 1;
constexpr float kNoPoint = -1;

struct PointList {
  std::vector<float> coords;  // x,y
  std::vector<float> labels;

  void add(std::int64_t pixel, std::int64_t width, float label) {
    const std::int64_t row = pixel / width;
    coords.push_back(static_cast<float>(pixel % width));
    coords.push_back(static_cast<float>(row));
    labels.push_back(label);
  }
  models::PointPrompt prompt(std::int64_t batch, torch::Device device) const {
    return {torch::tensor(coords).view({batch, -1, 2}).to(device), torch::tensor(labels).view({batch, -1}).to(device)};
  }
};

/// Masks as N,pixels on the CPU.
torch::Tensor rows_of(const torch::Tensor& masks) {
  return masks.detach().to(torch::kCPU).ne(0).flatten(1);
}

std::int64_t draw(const torch::Tensor& pixels, Random& random) {
  const auto choice = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(pixels.size(0))));
  return pixels[choice].item<std::int64_t>();
}

}  // namespace

torch::Tensor box_prompts(const torch::Tensor& masks) {
  const torch::Tensor on = masks.detach().to(torch::kCPU).ne(0).squeeze(1);  // N,S,S
  const std::int64_t height = on.size(1);
  const std::int64_t width = on.size(2);
  std::vector<float> boxes;
  for (std::int64_t i = 0; i < on.size(0); ++i) {
    const torch::Tensor columns = on[i].any(0).nonzero().flatten();
    const torch::Tensor rows = on[i].any(1).nonzero().flatten();
    const bool empty = columns.size(0) == 0;
    boxes.push_back(empty ? 0 : columns[0].item<float>());
    boxes.push_back(empty ? 0 : rows[0].item<float>());
    boxes.push_back(empty ? static_cast<float>(width) : columns[-1].item<float>() + 1);
    boxes.push_back(empty ? static_cast<float>(height) : rows[-1].item<float>() + 1);
  }
  return torch::tensor(boxes).view({-1, 4}).to(masks.device());
}

torch::Tensor jitter_boxes(const torch::Tensor& boxes, std::int64_t size, Random& random) {
  torch::Tensor moved = boxes.to(torch::kCPU).clone();
  auto box = moved.accessor<float, 2>();
  for (std::int64_t i = 0; i < moved.size(0); ++i) {
    const float shorter = std::min(box[i][2] - box[i][0], box[i][3] - box[i][1]);
    const auto most = std::min(kMaxJitter, static_cast<std::int64_t>(kJitterShare * shorter));
    if (most < 1) continue;
    for (std::int64_t edge = 0; edge < 4; ++edge) {
      const auto step = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(2 * most + 1))) - most;
      box[i][edge] = std::clamp(box[i][edge] + static_cast<float>(step), 0.0F, static_cast<float>(size));
    }
  }
  return moved.to(boxes.device());
}

models::PointPrompt point_prompts(const torch::Tensor& masks, Random& random) {
  const torch::Tensor rows = rows_of(masks);
  PointList points;
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    const torch::Tensor inside = rows[i].nonzero().flatten();
    const bool empty = inside.size(0) == 0;
    const auto anywhere = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(rows.size(1))));
    points.add(empty ? anywhere : draw(inside, random), masks.size(3), empty ? kBackground : kForeground);
  }
  return points.prompt(rows.size(0), masks.device());
}

models::PointPrompt correction_points(const torch::Tensor& predicted, const torch::Tensor& masks, std::int64_t count,
                                      Random& random) {
  const torch::Tensor truth = rows_of(masks);
  const torch::Tensor wrong = truth.ne(rows_of(predicted));
  PointList points;
  for (std::int64_t i = 0; i < truth.size(0); ++i) {
    const torch::Tensor pixels = wrong[i].nonzero().flatten();
    for (std::int64_t n = 0; n < count; ++n) {
      if (pixels.size(0) == 0) {
        const auto anywhere = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(truth.size(1))));
        points.add(anywhere, masks.size(3), kNoPoint);
        continue;
      }
      const std::int64_t pixel = draw(pixels, random);
      points.add(pixel, masks.size(3), truth[i][pixel].item<bool>() ? kForeground : kBackground);
    }
  }
  return points.prompt(truth.size(0), masks.device());
}

}  // namespace automed::train
