#include "binding/job_binding.h"

#include <cmath>
#include <string>

#include "binding/convert.h"
#include "core/error.h"

namespace automed::binding {
namespace {

constexpr std::int64_t kMaxGrid = 1 << 20;  // the pipeline knows the real bounds

Napi::Object timings_to_js(Napi::Env env, const pipeline::Timings& timings) {
  auto object = Napi::Object::New(env);
  object.Set("queueMs", timings.queue_ms);
  object.Set("preprocessMs", timings.preprocess_ms);
  object.Set("inferenceMs", timings.inference_ms);
  object.Set("postprocessMs", timings.postprocess_ms);
  object.Set("batchSize", static_cast<double>(timings.batch_size));
  object.Set("embeddingCached", timings.embedding_cached);
  return object;
}

Napi::Object item_to_js(Napi::Env env, const pipeline::DrawnMask& drawn) {
  auto object = Napi::Object::New(env);
  object.Set("mask", to_buffer(env, drawn.mask));
  object.Set("width", static_cast<double>(drawn.mask.size(1)));
  object.Set("height", static_cast<double>(drawn.mask.size(0)));
  object.Set("areaPx", static_cast<double>(drawn.area_px));
  if (drawn.bounding_box) {
    auto box = Napi::Array::New(env, 4);
    for (std::uint32_t i = 0; i < 4; ++i) box.Set(i, static_cast<double>((*drawn.bounding_box)[i]));
    object.Set("boundingBox", box);
  } else {
    object.Set("boundingBox", env.Null());
  }
  object.Set("meanProbability",
             drawn.mean_probability ? Napi::Number::New(env, *drawn.mean_probability).As<Napi::Value>() : env.Null());
  return object;
}

Napi::Object item_to_js(Napi::Env env, const pipeline::PromptedMask& mask) {
  auto object = item_to_js(env, mask.drawn);
  object.Set("predictedIou", mask.predicted_iou);
  object.Set("object", static_cast<double>(mask.object));
  object.Set("lowRes", to_float_array(env, mask.low_res));
  object.Set("lowResSide", static_cast<double>(mask.low_res.size(0)));
  return object;
}

Napi::Object item_to_js(Napi::Env env, const pipeline::FoundMask& mask) {
  auto object = item_to_js(env, mask.drawn);
  object.Set("predictedIou", mask.predicted_iou);
  object.Set("stability", mask.stability);
  auto point = Napi::Array::New(env, 2);
  for (std::uint32_t i = 0; i < 2; ++i) point.Set(i, static_cast<double>(mask.point[i]));
  object.Set("point", point);
  return object;
}

Napi::Object item_to_js(Napi::Env env, const pipeline::HeadOutput& output);

template <typename T>
Napi::Array array_to_js(Napi::Env env, const std::vector<T>& items) {
  auto array = Napi::Array::New(env, items.size());
  for (std::size_t i = 0; i < items.size(); ++i) array.Set(static_cast<std::uint32_t>(i), item_to_js(env, items[i]));
  return array;
}

Napi::Object item_to_js(Napi::Env env, const pipeline::HeadOutput& output) {
  auto object = Napi::Object::New(env);
  const auto* segmentation = std::get_if<pipeline::Segmentation>(&output);
  const auto* classification = std::get_if<pipeline::Classification>(&output);
  object.Set("masks", segmentation ? array_to_js(env, segmentation->masks).As<Napi::Value>() : env.Null());
  object.Set("probabilities", classification ? to_float_array(env, classification->probabilities) : env.Null());
  return object;
}

template <typename ImageResult>
Napi::Object image_result_to_js(Napi::Env env, const ImageResult& result) {
  auto object = Napi::Object::New(env);
  object.Set("width", static_cast<double>(result.placement.width));
  object.Set("height", static_cast<double>(result.placement.height));
  object.Set("timings", timings_to_js(env, result.timings));
  return object;
}

struct ResultToJs {
  Napi::Env env;

  Napi::Value operator()(const Error&) const { return env.Undefined(); }
  Napi::Value operator()(const pipeline::HeadsResult& result) const {
    auto object = Napi::Object::New(env);
    object.Set("outputs", array_to_js(env, result.outputs));
    object.Set("timings", timings_to_js(env, result.timings));
    return object;
  }
  Napi::Value operator()(const pipeline::EncodeResult& result) const { return image_result_to_js(env, result); }
  Napi::Value operator()(const pipeline::PromptResult& result) const {
    auto object = image_result_to_js(env, result);
    object.Set("masks", array_to_js(env, result.masks));
    return object;
  }
  Napi::Value operator()(const pipeline::EverythingResult& result) const {
    auto object = image_result_to_js(env, result);
    object.Set("masks", array_to_js(env, result.masks));
    return object;
  }
};

}  // namespace

pipeline::Task read_task(const Napi::Value& value) {
  const auto name = read_string(value, "task");
  for (const auto task : {pipeline::Task::kSegmentation, pipeline::Task::kClassification}) {
    if (name == pipeline::name_of(task)) return task;
  }
  throw Error(ErrorCode::kInvalidArgument, "task must be segmentation or classification", "task");
}

pipeline::Prompts read_prompts(const Napi::Object& prompts) {
  pipeline::Prompts native;
  native.points = read_optional_floats(prompts.Get("points"), "points", 2);
  if (native.points.defined()) native.labels = read_optional_floats(prompts.Get("labels"), "labels", 0);
  if (native.points.defined() && !native.labels.defined()) {
    throw Error(ErrorCode::kInvalidArgument, "labels must be a Float32Array", "labels");
  }
  native.boxes = read_optional_floats(prompts.Get("boxes"), "boxes", 4);
  native.mask = read_optional_floats(prompts.Get("mask"), "mask_logits", 0);
  if (native.mask.defined()) {
    const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(native.mask.numel()))));
    // One that is no square stays flat, and is refused where the base's size is known.
    if (side * side == native.mask.numel()) native.mask = native.mask.view({side, side});
  }
  native.multimask = read_boolean(prompts.Get("multimask"), "multimask");
  return native;
}

pipeline::EverythingOptions read_everything_options(const Napi::Object& options) {
  return {.points_per_side = read_integer(options.Get("pointsPerSide"), "points_per_side", 0, kMaxGrid),
          .points_per_batch = read_integer(options.Get("pointsPerBatch"), "points_per_batch", 0, kMaxGrid),
          .min_predicted_iou = read_number(options.Get("minPredictedIou"), "min_predicted_iou"),
          .min_stability = read_number(options.Get("minStability"), "min_stability"),
          .stability_offset = read_number(options.Get("stabilityOffset"), "stability_offset"),
          .nms_iou = read_number(options.Get("nmsIou"), "nms_iou"),
          .max_masks = read_integer(options.Get("maxMasks"), "max_masks", 0, kMaxGrid)};
}

Napi::Value to_js(Napi::Env env, const pipeline::Result& result) {
  return std::visit(ResultToJs{env}, result);
}

}  // namespace automed::binding
