// Every named system: its weights come, name by name, from the fixtures of what it is made of, and one forward pass is
// compared with a fixture where there is one, else with the same mathematics written out here.

#include <map>
#include <string>

#include "core/checkpoint.h"
#include "core/error.h"
#include "models/head.h"
#include "nn/position_encoding.h"
#include "parity/fixtures.h"
#include "parity/hash_weights.h"

namespace automed::parity {
namespace {

using Weights = std::map<std::string, torch::Tensor>;

constexpr double kFixtureWidth = 0.25;
constexpr std::int64_t kFixtureChannels = 32;

/// Adds the tensors of a file whose names begin with `from`, renamed to begin with `to`.
void add(Weights& weights, const SafetensorsFile& file, const std::string& from, const std::string& to) {
  for (const std::string& key : file.keys()) {
    if (key.starts_with(from)) weights[to + key.substr(from.size())] = file.tensor(key);
  }
}

/// Gives a module these weights; throws unless they are exactly its own.
void load_exactly(torch::nn::Module& module, const Weights& weights, const torch::Device& device) {
  const torch::NoGradGuard no_grad;
  std::size_t found = 0;
  for (auto& [name, tensor] : state_dict(module)) {
    const auto source = weights.find(name);
    if (source == weights.end() || source->second.sizes() != tensor.sizes()) {
      throw Error(ErrorCode::kCheckpointMismatch, "the fixtures have no such " + name);
    }
    tensor.copy_(source->second);
    ++found;
  }
  if (found != weights.size()) throw Error(ErrorCode::kCheckpointMismatch, "the fixtures have more than the system");
  module.to(device);
  module.eval();
}

models::HeadConfig preset(const std::string& name) {
  auto config = models::named_head_config(name, tiny_fixture_config(true), kClasses);
  config.mobilenet.width = kFixtureWidth;
  return config;
}

/// The base of sam_automed_tiny: its file holds base and head, and the decoder in it is the head's.
models::Sam fixture_base(const Context& context) {
  models::Sam base(tiny_fixture_config(true));
  const SafetensorsFile file = context.weights("sam_automed_tiny");
  load_for_inference(*base->image_encoder, file, "image_encoder.", context.device);
  load_for_inference(*base->prompt_encoder, file, "prompt_encoder.", context.device);
  load_for_inference(*base->mask_decoder, file, "mask_decoder.", context.device);
  return base;
}

/// SAM-AutoMed and the rows of Table 9. With sam_automed_tiny's decoder as the base's the frozen one must draw the same
/// as the head's own; with another base's the head's own must. Plain squeeze-and-excitation has no fixture of the
/// whole, so its tokens are composed of the parts.
void automed_preset(const Context& context, const std::string& name) {
  const torch::NoGradGuard no_grad;
  const auto config = preset(name);
  models::Sam base = fixture_base(context);
  const SafetensorsFile full = context.weights("sam_automed_tiny");
  const SafetensorsFile io = context.io("sam_automed_tiny");
  Weights weights;
  add(weights, full, "image_prompt.proj.", "image_prompt.proj.");
  const bool improved = config.mobilenet.improved_se;
  if (improved) add(weights, full, "image_prompt.backbone.", "image_prompt.backbone.");
  if (!improved) add(weights, context.weights("mobilenet_plain_se"), "", "image_prompt.backbone.");
  if (!config.frozen_decoder) add(weights, full, "mask_decoder.", "mask_decoder.");
  if (!config.frozen_decoder)
    load_for_inference(*base->mask_decoder, context.weights("sam_tiny"), "mask_decoder.", context.device);
  models::Head head = models::make_head(config, base);
  load_exactly(models::module_of(head), weights, context.device);
  const torch::Tensor image = normalise(context.input(context.io("sam_automed_tiny"), "pixels"));
  const torch::Tensor nothing = torch::zeros_like(image);
  const auto draw = [&](const torch::Tensor& x) {
    return models::head_forward(head, x, base->image_encoder->forward(x), base);
  };
  if (improved)
    return context.report.compare(name + " low_res", draw(image), io.tensor("low_res"), kSmall, draw(nothing));
  auto& model = std::get<models::SamAutoMed>(head);
  models::MobileNetV3 backbone(config.mobilenet);
  load_for_inference(*backbone, context.weights("mobilenet_plain_se"), "", context.device);
  const torch::Tensor gaussian = base->prompt_encoder->gaussian();
  const auto at = [&](const char* key) { return weights.at(key).to(context.device); };
  const torch::Tensor map = torch::conv2d(backbone->forward(image), at("image_prompt.proj.weight"),
                                          at("image_prompt.proj.bias"));  // B,C,h,w
  const torch::Tensor expected = (map + nn::grid_encoding(gaussian, map.size(2), map.size(3))).flatten(2);
  context.report.compare(name + " tokens", model->image_prompt->forward(image, gaussian), expected.transpose(1, 2),
                         kSmall, model->image_prompt->forward(nothing, gaussian));
}

torch::Tensor two_layers(const torch::Tensor& pooled, const Weights& weights) {
  const auto at = [&](const char* key) { return weights.at(key).to(pooled.device()); };
  const torch::Tensor hidden = torch::relu(torch::linear(pooled, at("head.mlp.0.weight"), at("head.mlp.0.bias")));
  return torch::linear(hidden, at("head.mlp.3.weight"), at("head.mlp.3.bias"));
}

/// SAM-MedCls and the rows of Table 10 on the fixtures' features.
void medcls_preset(const Context& context, const std::string& name) {
  const torch::NoGradGuard no_grad;
  const auto config = preset(name);
  const bool both = config.features == models::HeadConfig::Features::kBoth;
  const bool encoder = config.features == models::HeadConfig::Features::kEncoder;
  const std::string source = config.attention ? "medcls_head" : "medcls_head_no_attention";
  const std::string mobilenet = config.mobilenet.improved_se ? "mobilenet_improved_se" : "mobilenet_plain_se";
  const SafetensorsFile head_file = context.weights(source);
  Weights weights;
  add(weights, head_file, "mlp.3.", "head.mlp.3.");
  add(weights, head_file, "mlp.0.", "head.mlp.0.");
  if (!both) weights["head.mlp.0.weight"] = weights["head.mlp.0.weight"].narrow(1, 0, kFixtureChannels);
  if (both) add(weights, head_file, "spatial.", "head.spatial.");
  if (!encoder) add(weights, head_file, "base.", "head.base.");
  if (!encoder) add(weights, context.weights(mobilenet), "", "backbone.");
  models::Sam base = fixture_base(context);
  models::Head head = models::make_head(config, base);
  load_exactly(models::module_of(head), weights, context.device);
  auto& model = std::get<models::SamMedCls>(head);
  const SafetensorsFile io = context.io(source);
  const torch::Tensor prior = context.input(io, "prior");
  const torch::Tensor nothing = torch::zeros_like(prior);
  if (both) {
    const torch::Tensor features = context.input(io, "base");
    return context.report.compare(name + " logits", model->head->forward(prior, features), io.tensor("logits"), kSmall,
                                  model->head->forward(nothing, features));
  }
  if (encoder) {
    return context.report.compare(name + " logits", model->forward({}, prior),
                                  two_layers(prior.mean(torch::IntArrayRef{2, 3}), weights), kSmall,
                                  model->forward({}, nothing));
  }
  const SafetensorsFile features = context.io(mobilenet);
  const torch::Tensor image = context.input(features, "image");
  nn::ConvBn project(nn::ConvBnOptions{.in_channels = features.tensor("features").size(1),
                                       .out_channels = kFixtureChannels,
                                       .kernel = 1,
                                       .activation = nn::ConvActivation::kHardswish});
  load_for_inference(*project, head_file, "base.", context.device);
  const torch::Tensor pooled = project->forward(context.input(features, "features")).mean(torch::IntArrayRef{2, 3});
  context.report.compare(name + " logits", model->forward(image, {}), two_layers(pooled, weights), kSmall,
                         model->forward(torch::zeros_like(image), {}));
}

/// AutoSAM on a small base: its prompt through the base's frozen decoder, which has a fixture of its own. The network's
/// full size is compared in full/autosam_hardnet85_256.
void autosam_preset(const Context& context, const std::string& name) {
  const torch::NoGradGuard no_grad;
  models::Sam base = fixture_base(context);
  models::Head head = models::make_head(preset(name), base);
  auto& model = std::get<models::AutoSam>(head);
  fill_from_hash(*model, "");
  model->to(context.device);
  model->eval();
  const torch::Tensor image = normalise(context.input(context.io("sam_automed_tiny"), "pixels"));
  const torch::Tensor nothing = torch::zeros_like(image);
  const std::int64_t grid = base->config().encoder.grid();
  const torch::Tensor quarter = model->decoder->forward(model->backbone->forward(image));  // B,C,S/4,S/4
  const torch::Tensor dense = torch::upsample_bilinear2d(quarter, {grid, grid}, /*align_corners=*/true);
  const torch::Tensor sparse = torch::empty({image.size(0), 0, kFixtureChannels}, image.options());
  const torch::Tensor expected = base->mask_decoder
                                     ->forward(base->image_encoder->forward(image), base->prompt_encoder->dense_pe(),
                                               sparse, dense, /*multimask=*/false)
                                     .masks;
  const auto draw = [&](const torch::Tensor& x) {
    return models::head_forward(head, x, base->image_encoder->forward(x), base);
  };
  context.report.compare(name + " low_res", draw(image), expected, kSmall, draw(nothing));
}

}  // namespace

std::vector<Fixture> preset_fixtures() {
  std::vector<Fixture> fixtures;
  for (const std::string& name : models::head_config_names()) {
    const auto run = name.starts_with("medcls") ? medcls_preset : name == "autosam" ? autosam_preset : automed_preset;
    fixtures.push_back({"systems/" + name, [=](const Context& context) { run(context, name); }});
  }
  return fixtures;
}

}  // namespace automed::parity
