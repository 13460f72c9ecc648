#include "pipeline/prompts.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/compute_alone.h"
#include "core/error.h"
#include "pipeline/finite.h"

namespace automed::pipeline {
namespace {

constexpr std::int64_t kMaskScale = 4;  // mask pixels per token

/// Requires low <= value < high, or <= high where the far edge belongs to the range.
void check_coordinate(float value, std::int64_t size, bool far_edge, const std::string& field) {
  const auto limit = static_cast<float>(size);
  if (value >= 0 && (value < limit || (far_edge && value == limit))) return;  // also false for NaN
  throw Error(ErrorCode::kInvalidArgument,
              field + " must lie in [0, " + std::to_string(size) + (far_edge ? "]" : ")") + ", inside the image",
              field);
}

void check_points(const Prompts& prompts, const Placement& placement) {
  if (prompts.labels.numel() != prompts.points.size(0)) {
    throw Error(ErrorCode::kShapeMismatch, "every point needs one label", "points");
  }
  const auto points = prompts.points.accessor<float, 2>();
  const auto labels = prompts.labels.accessor<float, 1>();
  for (std::int64_t i = 0; i < points.size(0); ++i) {
    const auto field = "points[" + std::to_string(i) + "]";
    check_coordinate(points[i][0], placement.width, false, field + ".x_px");
    check_coordinate(points[i][1], placement.height, false, field + ".y_px");
    if (labels[i] != 0 && labels[i] != 1) {
      throw Error(ErrorCode::kInvalidArgument, "a label must be 1 (foreground) or 0 (background)", field + ".label");
    }
  }
}

void check_boxes(const torch::Tensor& tensor, const Placement& placement) {
  const auto boxes = tensor.accessor<float, 2>();
  for (std::int64_t i = 0; i < boxes.size(0); ++i) {
    const auto field = "boxes[" + std::to_string(i) + "]";
    check_coordinate(boxes[i][0], placement.width, false, field + ".x0_px");
    check_coordinate(boxes[i][1], placement.height, false, field + ".y0_px");
    check_coordinate(boxes[i][2], placement.width, true, field + ".x1_px");
    check_coordinate(boxes[i][3], placement.height, true, field + ".y1_px");
    if (boxes[i][2] <= boxes[i][0]) {
      throw Error(ErrorCode::kInvalidArgument, "a box must end to the right of where it begins", field + ".x1_px");
    }
    if (boxes[i][3] <= boxes[i][1]) {
      throw Error(ErrorCode::kInvalidArgument, "a box must end below where it begins", field + ".y1_px");
    }
  }
}

void check_mask(const torch::Tensor& mask, const models::SamConfig& config) {
  const auto edge = kMaskScale * config.encoder.grid();
  if (mask.dim() != 2 || mask.size(0) != edge || mask.size(1) != edge) {
    const auto wanted = std::to_string(edge);
    throw Error(ErrorCode::kShapeMismatch, "the mask prompt of this base must be " + wanted + " x " + wanted,
                "mask_logits");
  }
  if (!mask.abs().le(kMaxFloatSample).all().item<bool>()) {  // false for NaN
    throw Error(ErrorCode::kInvalidArgument, "the values of the mask prompt must lie in [-1e9, 1e9]", "mask_logits");
  }
}

/// float32 [n * width] -> n,width
torch::Tensor rows_of(const torch::Tensor& flat, std::int64_t width, const std::string& field) {
  if (!flat.defined()) return {};
  if (flat.numel() == 0 || flat.numel() % width != 0) {
    throw Error(ErrorCode::kShapeMismatch, field + " must hold " + std::to_string(width) + " numbers for each item",
                field);
  }
  return flat.view({-1, width});
}

/// SAM-Med2D is SAM with adapters; what else differs is how its decoder is used.
bool is_sam_med2d(const models::SamConfig& config) {
  return config.encoder.adapter;
}

}  // namespace

Prompts shape_prompts(const Prompts& flat) {
  Prompts prompts = flat;
  prompts.points = rows_of(flat.points, 2, "points");
  prompts.boxes = rows_of(flat.boxes, 4, "boxes");
  if (!prompts.points.defined()) prompts.labels = torch::Tensor();
  if (prompts.points.defined() && !prompts.labels.defined()) {
    throw Error(ErrorCode::kInvalidArgument, "every point needs one label", "labels");
  }
  if (flat.mask.defined()) {
    const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(flat.mask.numel()))));
    if (side * side == flat.mask.numel()) prompts.mask = flat.mask.view({side, side});
  }
  return prompts;
}

void check_prompts(const Prompts& prompts, const Placement& placement, const models::SamConfig& config) {
  const bool points = prompts.points.defined(), boxes = prompts.boxes.defined(), mask = prompts.mask.defined();
  if (!points && !boxes && !mask) {
    throw Error(ErrorCode::kInvalidArgument, "give at least one point, box or mask", "points");
  }
  if (boxes && prompts.boxes.size(0) > 1 && (points || mask)) {
    throw Error(ErrorCode::kInvalidArgument, "several boxes are several objects; points or a mask describe one",
                points ? "points" : "mask_logits");
  }
  if (points) check_points(prompts, placement);
  if (boxes) check_boxes(prompts.boxes, placement);
  if (mask) check_mask(prompts.mask, config);
}

std::vector<PromptedMask> predict_masks(const LoadedBase& base, const Embedding& embedding, const Prompts& prompts,
                                        double threshold, const BetweenSteps& between) {
  const c10::InferenceMode guard;
  std::optional<ComputeAlone> alone;
  if (!prompts.boxes.defined() || prompts.boxes.size(0) <= 1) alone.emplace();
  const bool med2d = is_sam_med2d(base.config());
  auto sam = base.sam();
  std::optional<models::PointPrompt> points;
  std::optional<torch::Tensor> boxes, mask;
  if (prompts.points.defined()) {
    points = {.coords = place_points(prompts.points, embedding.placement).unsqueeze(0).to(base.device()),  // 1,N,2
              .labels = prompts.labels.unsqueeze(0).to(base.device())};                                    // 1,N
  }
  if (prompts.boxes.defined()) {
    const auto corners = place_points(prompts.boxes.view({-1, 2, 2}), embedding.placement);  // M,2,2
    boxes = corners.view({-1, 4}).to(base.device());
  }
  if (prompts.mask.defined()) {
    mask = sam->mask_prompt(prompts.mask.unsqueeze(0).unsqueeze(0).to(base.device()));  // 1,1,4g,4g
  }
  const auto prompt = sam->prompt_encoder->forward(points, boxes, mask);
  look_up(between);
  const auto prediction = sam->mask_decoder->forward(embedding.features, sam->prompt_encoder->dense_pe(), prompt.sparse,
                                                     prompt.dense, prompts.multimask || med2d, between);
  const auto logits = prediction.masks.to(torch::kCPU, torch::kFloat32);  // B,n,4g,4g
  const auto iou = prediction.iou.to(torch::kCPU, torch::kFloat32);       // B,n
  check_finite(logits, "mask logits");
  check_finite(iou, "predicted IoUs");
  const auto order = iou.argsort(/*dim=*/1, /*descending=*/true);  // B,n
  const auto kept = prompts.multimask ? order.size(1) : 1;
  std::vector<PromptedMask> result;
  for (std::int64_t object = 0; object < order.size(0); ++object) {
    for (std::int64_t rank = 0; rank < kept; ++rank) {
      look_up(between);
      const auto candidate = order[object][rank].item<std::int64_t>();
      const auto low_res = logits[object][candidate];  // 4g,4g
      result.push_back({.drawn = draw_mask(low_res.unsqueeze(0).unsqueeze(0), embedding.placement, threshold),
                        .predicted_iou = iou[object][candidate].item<double>(),
                        .object = static_cast<std::size_t>(object),
                        .low_res = low_res.clone()});
    }
  }
  return result;
}

}  // namespace automed::pipeline
