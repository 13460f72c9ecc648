#include "pipeline/everything.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <string>

#include "core/error.h"
#include "pipeline/finite.h"

namespace automed::pipeline {
namespace {

constexpr double kProbability = 0.5;  // SAM's mask threshold, logit 0

struct Candidate {
  std::int64_t point;  // index in the grid
  std::int64_t mask;   // index among the decoder's masks
  float predicted_iou;
  float stability;
  std::array<float, 4> box;  // x0, y0, x1, y1: the first and the last column and row, as SAM has it
};

void check_range(double value, double low, double high, const std::string& field) {
  if (value >= low && value <= high) return;
  throw Error(ErrorCode::kInvalidArgument, field + " is out of range", field);
}

/// The shortest decimal that rounds to the same float32: what somebody typed into a field of single precision.
double shortest_decimal(double value) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), static_cast<float>(value));
  double decimal = value;
  std::from_chars(text.data(), written.ptr, decimal);
  return decimal;
}

/// SAM's `build_point_grid` on the original image: n * n points x, y, row by row.
torch::Tensor point_grid(std::int64_t n, const Placement& placement) {
  const auto centres = (torch::arange(n, torch::kFloat64) + 0.5) / static_cast<double>(n);
  const auto rows = torch::meshgrid({centres, centres}, "ij");  // y, x
  const auto size = torch::tensor({static_cast<double>(placement.width), static_cast<double>(placement.height)});
  return (torch::stack({rows[1], rows[0]}, -1).view({-1, 2}) * size).to(torch::kFloat32);  // nn,2
}

/// One foreground point of the original image per prompt: B,2 -> masks B,n,4g,4g and IoUs B,n on the CPU.
models::MaskPrediction decode_points(const LoadedBase& base, const Embedding& embedding, const torch::Tensor& points,
                                     const BetweenSteps& between) {
  auto sam = base.sam();
  const auto coords = place_points(points, embedding.placement).unsqueeze(1).to(base.device());  // B,1,2
  const auto prompt = sam->prompt_encoder->forward(
      models::PointPrompt{.coords = coords, .labels = torch::ones({coords.size(0), 1}, coords.options())}, std::nullopt,
      std::nullopt);
  auto prediction = sam->mask_decoder->forward(embedding.features, sam->prompt_encoder->dense_pe(), prompt.sparse,
                                               prompt.dense, /*multimask=*/true, between);
  models::MaskPrediction result{prediction.masks.to(torch::kCPU, torch::kFloat32),
                                prediction.iou.to(torch::kCPU, torch::kFloat32)};
  check_finite(result.masks, "mask logits");
  check_finite(result.iou, "predicted IoUs");
  return result;
}

torch::Tensor restore(const torch::Tensor& low_res, const Placement& placement) {
  return restore_logits(low_res.unsqueeze(0).unsqueeze(0), placement);
}

/// Appends the masks of one batch of prompts that pass both thresholds.
void collect_candidates(const models::MaskPrediction& prediction, std::int64_t first_point, const Placement& placement,
                        const EverythingOptions& options, std::vector<Candidate>& candidates,
                        const BetweenSteps& between) {
  const auto iou = prediction.iou.accessor<float, 2>();
  // PyTorch compares a float32 tensor with a Python number in float32.
  const auto min_iou = static_cast<float>(options.min_predicted_iou);
  const auto min_stability = static_cast<float>(options.min_stability);
  for (std::int64_t point = 0; point < iou.size(0); ++point) {
    look_up(between);
    for (std::int64_t mask = 0; mask < iou.size(1); ++mask) {
      if (!(iou[point][mask] > min_iou)) continue;
      const auto logits = restore(prediction.masks[point][mask], placement);  // height,width
      const auto inner = (logits > options.stability_offset).sum().item<float>();
      const auto outer = (logits > -options.stability_offset).sum().item<float>();
      const float stability = inner / outer;
      if (!(stability >= min_stability)) continue;  // also without any foreground, which is 0 / 0
      const auto box = bounding_box_of(logits > 0);
      if (!box) continue;
      const auto [x, y, width, height] = *box;
      candidates.push_back({.point = first_point + point,
                            .mask = mask,
                            .predicted_iou = iou[point][mask],
                            .stability = stability,
                            .box = {static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + width - 1),
                                    static_cast<float>(y + height - 1)}});
    }
  }
}

float box_iou(const std::array<float, 4>& a, const std::array<float, 4>& b) {
  const auto area = [](const std::array<float, 4>& box) { return (box[2] - box[0]) * (box[3] - box[1]); };
  const float width = std::max(0.0F, std::min(a[2], b[2]) - std::max(a[0], b[0]));
  const float height = std::max(0.0F, std::min(a[3], b[3]) - std::max(a[1], b[1]));
  const float both = width * height;
  return both / (area(a) + area(b) - both);
}

void check_count(std::size_t found, std::int64_t max_masks) {
  if (found <= static_cast<std::size_t>(max_masks)) return;
  throw Error(ErrorCode::kInvalidArgument,
              std::to_string(found) + " masks were found, and at most " + std::to_string(max_masks) +
                  " of an image of this size are answered: raise min_stability or min_predicted_iou, lower nms_iou or "
                  "points_per_side, or send a smaller image",
              "min_stability");
}

/// Decodes the points of the chosen candidates again and draws their masks.
std::vector<FoundMask> draw_candidates(const LoadedBase& base, const Embedding& embedding, const torch::Tensor& grid,
                                       const std::vector<Candidate>& chosen, std::int64_t per_batch,
                                       const BetweenSteps& checkpoint) {
  std::vector<FoundMask> found;
  const auto total = static_cast<std::int64_t>(chosen.size());
  for (std::int64_t begin = 0; begin < total; begin += per_batch) {
    look_up(checkpoint);
    const auto end = std::min(total, begin + per_batch);
    std::vector<std::int64_t> points;
    for (auto i = begin; i < end; ++i) points.push_back(chosen[static_cast<std::size_t>(i)].point);
    const auto prediction = decode_points(base, embedding, grid.index_select(0, torch::tensor(points)), checkpoint);
    for (auto i = begin; i < end; ++i) {
      look_up(checkpoint);
      const auto& candidate = chosen[static_cast<std::size_t>(i)];
      const auto point = grid[candidate.point];
      found.push_back({.drawn = draw_mask(prediction.masks[i - begin][candidate.mask].unsqueeze(0).unsqueeze(0),
                                          embedding.placement, kProbability),
                       .predicted_iou = candidate.predicted_iou,
                       .stability = candidate.stability,
                       .point = {point[0].item<float>(), point[1].item<float>()}});
    }
  }
  return found;
}

}  // namespace

void check_everything(const EverythingOptions& options) {
  check_range(static_cast<double>(options.points_per_side), 1, 128, "points_per_side");
  check_range(static_cast<double>(options.points_per_batch), 1, 1024, "points_per_batch");
  check_range(options.min_predicted_iou, 0, 1, "min_predicted_iou");
  check_range(options.min_stability, 0, 1, "min_stability");
  check_range(options.stability_offset, 1e-6, 16, "stability_offset");
  check_range(options.nms_iou, 0, 1, "nms_iou");
  check_range(static_cast<double>(options.max_masks), 1, 65536, "max_masks");
}

std::vector<std::size_t> suppress_overlaps(const std::vector<std::array<float, 4>>& boxes,
                                           const std::vector<double>& scores, double max_iou) {
  std::vector<std::size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] > scores[b]; });
  const double limit = shortest_decimal(max_iou);
  std::vector<std::size_t> kept;
  for (const auto candidate : order) {
    const bool overlaps = std::any_of(kept.begin(), kept.end(),
                                      [&](auto other) { return box_iou(boxes[other], boxes[candidate]) > limit; });
    if (!overlaps) kept.push_back(candidate);
  }
  return kept;
}

std::vector<FoundMask> find_everything(const LoadedBase& base, const Embedding& embedding,
                                       const EverythingOptions& options, const BetweenSteps& checkpoint) {
  const c10::InferenceMode guard;
  const auto grid = point_grid(options.points_per_side, embedding.placement);
  std::vector<Candidate> candidates;
  for (std::int64_t begin = 0; begin < grid.size(0); begin += options.points_per_batch) {
    look_up(checkpoint);
    const auto points = grid.slice(0, begin, std::min(grid.size(0), begin + options.points_per_batch));
    collect_candidates(decode_points(base, embedding, points, checkpoint), begin, embedding.placement, options,
                       candidates, checkpoint);
  }
  std::vector<std::array<float, 4>> boxes;
  std::vector<double> scores;
  for (const auto& candidate : candidates) {
    boxes.push_back(candidate.box);
    scores.push_back(candidate.predicted_iou);
  }
  std::vector<Candidate> chosen;
  for (const auto index : suppress_overlaps(boxes, scores, options.nms_iou)) chosen.push_back(candidates[index]);
  check_count(chosen.size(), options.max_masks);
  return draw_candidates(base, embedding, grid, chosen, options.points_per_batch, checkpoint);
}

}  // namespace automed::pipeline
