#include "binding/job_binding.h"

#include <string>

#include "binding/convert.h"
#include "binding/options.h"
#include "binding/results.h"

namespace automed::binding {
namespace {

constexpr std::int64_t kMaxGrid = 1 << 20;  // the pipeline knows the real bounds

Napi::Object timings_to_js(Napi::Env env, const pipeline::Timings& timings) {
  using pipeline::Timings;
  static const PropertyTable<Timings> kTable = {
      {"queueMs", member(&Timings::queue_ms)},
      {"preprocessMs", member(&Timings::preprocess_ms)},
      {"inferenceMs", member(&Timings::inference_ms)},
      {"encoderMs", member(&Timings::encoder_ms)},
      {"postprocessMs", member(&Timings::postprocess_ms)},
      {"batchSize", member(&Timings::batch_size)},
      {"embeddingCached", member(&Timings::embedding_cached)},
  };
  return to_object(env, timings, kTable);
}

Napi::Value grey_to_js(Napi::Env env, const torch::Tensor& grey) {
  if (!grey.defined()) return env.Null();
  auto object = Napi::Object::New(env);
  object.Set("data", to_buffer(env, grey));
  object.Set("width", static_cast<double>(grey.size(1)));
  object.Set("height", static_cast<double>(grey.size(0)));
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
  object.Set("meanProbability", to_value(env, drawn.mean_probability));
  object.Set("probabilities", grey_to_js(env, drawn.probabilities));
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

Napi::Object placement_to_js(Napi::Env env, const pipeline::Placement& placement) {
  using pipeline::Placement;
  static const PropertyTable<Placement> kTable = {
      {"size", member(&Placement::size)},
      {"left", member(&Placement::left)},
      {"top", member(&Placement::top)},
      {"innerWidth", member(&Placement::inner_width)},
      {"innerHeight", member(&Placement::inner_height)},
  };
  return to_object(env, placement, kTable);
}

Napi::Value saliency_to_js(Napi::Env env, const pipeline::ClassSaliency& saliency) {
  auto object = Napi::Object::New(env);
  object.Set("classIndex", static_cast<double>(saliency.target));
  object.Set("map", to_float_array(env, saliency.map));
  object.Set("rows", static_cast<double>(saliency.map.size(0)));
  object.Set("columns", static_cast<double>(saliency.map.size(1)));
  object.Set("placement", placement_to_js(env, saliency.placement));
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
  const bool has_saliency = classification != nullptr && classification->saliency.has_value();
  object.Set("saliency", has_saliency ? saliency_to_js(env, *classification->saliency) : env.Null());
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

Napi::Value embedding_to_js(Napi::Env env, const pipeline::EncodeResult& result) {
  auto object = Napi::Object::New(env);
  object.Set("features", to_buffer(env, result.features.view(torch::kUInt8)));
  object.Set("channels", static_cast<double>(result.features.size(0)));
  object.Set("side", static_cast<double>(result.features.size(1)));
  object.Set("placement", placement_to_js(env, result.placement));
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
  Napi::Value operator()(const pipeline::EncodeResult& result) const {
    auto object = image_result_to_js(env, result);
    object.Set("embedding", result.features.defined() ? embedding_to_js(env, result) : env.Null());
    return object;
  }
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

pipeline::Task read_task(const Napi::Value& value, const std::string& field) {
  using pipeline::Task;
  static const Choices<Task> kTasks = {{name_of(Task::kSegmentation), Task::kSegmentation},
                                       {name_of(Task::kClassification), Task::kClassification}};
  return read_choice(value, field, kTasks);
}

pipeline::PromptJob read_prompt_job(const Napi::Object& prompts) {
  using pipeline::PromptJob;
  using pipeline::Prompts;
  constexpr auto kPrompts = &PromptJob::prompts;
  static const OptionTable<PromptJob> kTable = {
      {"points", into(read_optional_floats, kPrompts, &Prompts::points)},
      {"labels", into(read_optional_floats, kPrompts, &Prompts::labels)},
      {"boxes", into(read_optional_floats, kPrompts, &Prompts::boxes)},
      {"mask", into(read_optional_floats, kPrompts, &Prompts::mask), "mask_logits"},
      {"multimask", boolean(kPrompts, &Prompts::multimask)},
      {"threshold", number(&PromptJob::threshold)},
  };
  auto job = read_options(prompts, kTable);
  job.prompts = pipeline::shape_prompts(job.prompts);
  return job;
}

pipeline::EverythingOptions read_everything_options(const Napi::Object& options) {
  using Options = pipeline::EverythingOptions;
  static const OptionTable<Options> kTable = {
      {"pointsPerSide", integer(0, kMaxGrid, &Options::points_per_side), "points_per_side"},
      {"pointsPerBatch", integer(0, kMaxGrid, &Options::points_per_batch), "points_per_batch"},
      {"minPredictedIou", number(&Options::min_predicted_iou), "min_predicted_iou"},
      {"minStability", number(&Options::min_stability), "min_stability"},
      {"stabilityOffset", number(&Options::stability_offset), "stability_offset"},
      {"nmsIou", number(&Options::nms_iou), "nms_iou"},
      {"maxMasks", integer(0, kMaxGrid, &Options::max_masks), "max_masks"},
  };
  return read_options(options, kTable);
}

Napi::Value to_js(Napi::Env env, const pipeline::Result& result) {
  return std::visit(ResultToJs{env}, result);
}

}  // namespace automed::binding
