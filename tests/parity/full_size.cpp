// Models of the published sizes, with weights computed from their names.

#include <string>
#include <utility>
#include <vector>

#include "core/checkpoint.h"
#include "core/error.h"
#include "models/autosam.h"
#include "models/sam.h"
#include "models/sam_automed.h"
#include "models/sam_medcls.h"
#include "parity/fixtures.h"
#include "parity/hash_weights.h"

namespace automed::parity {
namespace {

using torch::indexing::None;
using torch::indexing::Slice;

/// Hash weights under `prefix`, then the fixture's own batch-norm statistics; ready for inference on the device.
void prepare(torch::nn::Module& module, const Context& context, const SafetensorsFile& io, const std::string& prefix) {
  fill_from_hash(module, prefix);
  torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state_dict(module, prefix)) {
    const bool statistic = name.ends_with("running_mean") || name.ends_with("running_var");
    if (statistic) tensor.copy_(io.tensor("override." + name));
  }
  module.to(context.device);
  module.eval();
}

torch::Tensor pixels(const Context& context, const models::SamConfig& config) {
  const std::int64_t edge = config.encoder.image_size;
  return normalise(hash_pixels("pixels", {1, edge, edge, 3}).to(context.device));
}

struct BoxResult {
  torch::Tensor embedding, masks, iou;
};

BoxResult run_box(models::Sam& model, const torch::Tensor& image, const torch::Tensor& box) {
  BoxResult result;
  result.embedding = model->image_encoder->forward(image);
  const auto prompt = model->prompt_encoder->forward(std::nullopt, box, std::nullopt);
  const auto prediction = model->mask_decoder->forward(result.embedding, model->prompt_encoder->dense_pe(),
                                                       prompt.sparse, prompt.dense, /*multimask=*/true);
  result.masks = prediction.masks;
  result.iou = prediction.iou;
  return result;
}

/// As a server computes it on a CPU; the encoder can be used for nothing else afterwards.
torch::Tensor embed_packed(models::Sam& model, const torch::Tensor& image) {
  if (image.is_cpu()) TORCH_CHECK(model->image_encoder->pack(nn::PackPolicy::kAlways) > 0, "nothing was packed");
  return model->image_encoder->forward(image);
}

void full_sam_med2d(const Context& context) {
  torch::NoGradGuard no_grad;
  const std::string name = "full/sam_med2d_b_256";
  const models::SamConfig config = models::named_sam_config("sam-med2d-vit-b");
  const SafetensorsFile io = context.io(name);
  models::Sam model(config);
  prepare(*model, context, io, "");
  const torch::Tensor image = pixels(context, config);
  const torch::Tensor box = context.input(io, "box");
  const BoxResult actual = run_box(model, image, box);
  const BoxResult zeroed = run_box(model, torch::zeros_like(image), box);
  const auto compare = [&](const char* key, const torch::Tensor& value, Tolerance tolerance,
                           const torch::Tensor& zero) {
    context.report.compare(name + " " + key, value, io.tensor(key), tolerance, zero);
  };
  compare("embedding", actual.embedding, kFeatures, zeroed.embedding);
  compare("low_res_multi", actual.masks, kLogits, zeroed.masks);
  compare("iou_multi", actual.iou, kLogits, zeroed.iou);
  const torch::Tensor packed = embed_packed(model, image);
  context.report.compare(name + " embedding, weights packed", packed, io.tensor("embedding"), kFeatures,
                         zeroed.embedding);
}

void full_sam_1024(const Context& context) {
  torch::NoGradGuard no_grad;
  const std::string name = "full/sam_b_1024";
  const models::SamConfig config = models::named_sam_config("sam-vit-b");
  const SafetensorsFile io = context.io(name);
  models::Sam model(config);
  prepare(*model, context, io, "");
  const torch::Tensor image = pixels(context, config);
  const torch::Tensor box = context.input(io, "box");
  const BoxResult actual = run_box(model, image, box);
  const BoxResult zeroed = run_box(model, torch::zeros_like(image), box);
  const auto channels = [](const torch::Tensor& x) { return x.index({Slice(), Slice(None, None, 4)}); };
  const auto every_2nd = [](const torch::Tensor& x) {
    return x.index({Slice(), Slice(), Slice(None, None, 2), Slice(None, None, 2)});
  };
  context.report.compare(name + " embedding_every_4th_channel", channels(actual.embedding),
                         io.tensor("embedding_every_4th_channel"), kFeatures, channels(zeroed.embedding));
  context.report.compare(name + " embedding, weights packed", channels(embed_packed(model, image)),
                         io.tensor("embedding_every_4th_channel"), kFeatures, channels(zeroed.embedding));
  context.report.compare(name + " low_res_multi_every_2nd", every_2nd(actual.masks),
                         io.tensor("low_res_multi_every_2nd"), kLogits, every_2nd(zeroed.masks));
  context.report.compare(name + " iou_multi", actual.iou, io.tensor("iou_multi"), kLogits, zeroed.iou);
}

void full_sam_automed(const Context& context) {
  torch::NoGradGuard no_grad;
  const std::string name = "full/sam_automed_b_256";
  const models::SamConfig config = models::named_sam_config("sam-med2d-vit-b");
  const SafetensorsFile io = context.io(name);
  models::Sam base(config);
  prepare(*base, context, io, "");
  models::SamAutoMed model(config, models::HeadConfig{.kind = models::HeadConfig::Kind::kSamAutoMed, .mobilenet = {}});
  prepare(*model, context, io, "");
  const torch::Tensor image = pixels(context, config);
  const torch::Tensor nothing = torch::zeros_like(image);
  const torch::Tensor gaussian = base->prompt_encoder->gaussian();
  context.report.compare(name + " tokens", model->image_prompt->forward(image, gaussian), io.tensor("tokens"),
                         kFeatures, model->image_prompt->forward(nothing, gaussian));
  const torch::Tensor low_res = model->forward(image, base->image_encoder->forward(image), base);
  const torch::Tensor blind = model->forward(nothing, base->image_encoder->forward(nothing), base);
  context.report.compare(name + " low_res", low_res, io.tensor("low_res"), kLogits, blind);
  const auto sampled = [](const torch::Tensor& x) {
    return torch::upsample_bilinear2d(x, {256, 256}, false)
        .index({Slice(), Slice(), Slice(None, None, 4), Slice(None, None, 4)});
  };
  context.report.compare(name + " logits_256", sampled(low_res), io.tensor("logits_256"), kLogits, sampled(blind));
}

void full_sam_medcls(const Context& context) {
  torch::NoGradGuard no_grad;
  const std::string name = "full/sam_medcls_b_256";
  const models::SamConfig config = models::named_sam_config("sam-med2d-vit-b");
  const SafetensorsFile io = context.io(name);
  models::ImageEncoder encoder(config.encoder);
  prepare(*encoder, context, io, "image_encoder");
  models::HeadConfig head;
  head.kind = models::HeadConfig::Kind::kSamMedCls;
  head.classes = kClasses;
  models::SamMedCls model(config, head);
  prepare(*model, context, io, "");
  const torch::Tensor image = pixels(context, config);
  const torch::Tensor nothing = torch::zeros_like(image);
  const auto features = [&](const torch::Tensor& x) {
    return model->backbone->forward(x).index({Slice(), Slice(None, None, 4)});
  };
  context.report.compare(name + " features", features(image), io.tensor("features"), kFeatures, features(nothing));
  context.report.compare(name + " logits", model->forward(image, encoder->forward(image)), io.tensor("logits"), kLogits,
                         model->forward(nothing, encoder->forward(nothing)));
}

/// What AutoSAM's network makes of an image: its taps, the decoder's map and the dense embedding, by their fixture's
/// keys, with the channels that the fixture keeps.
std::vector<std::pair<std::string, torch::Tensor>> autosam_maps(models::AutoSam& model, const torch::Tensor& image) {
  constexpr std::int64_t kSamGrid = 64;
  const auto every = [](const torch::Tensor& x, int step) { return x.index({Slice(), Slice(None, None, step)}); };
  const auto taps = model->backbone->forward(image);
  std::vector<std::pair<std::string, torch::Tensor>> maps;
  for (std::size_t i = 0; i < taps.size(); ++i) maps.emplace_back("tap." + std::to_string(i), every(taps[i], 8));
  maps.emplace_back("decoder", every(model->decoder->forward(taps), 4));
  maps.emplace_back("dense_64_every_8th", every(model->prompt(image, kSamGrid), 8));
  return maps;
}

/// AutoSAM's network on an image of 256 px: the edge of every map it records follows from that. Computed twice: in
/// float64 it is held against the fixture, and in float32 against its own float64.
void full_autosam(const Context& context) {
  torch::NoGradGuard no_grad;
  const std::string name = "full/autosam_hardnet85_256";
  const SafetensorsFile io = context.io(name);
  constexpr std::int64_t kEdge = 256;
  const models::SamConfig base = models::named_sam_config("sam-med2d-vit-b");
  models::HeadConfig head;
  head.kind = models::HeadConfig::Kind::kAutoSam;
  head.hardnet.input_size = kEdge;
  models::AutoSam model(base, head);
  prepare(*model, context, io, "");
  const torch::Tensor image = normalise(hash_pixels("pixels", {1, kEdge, kEdge, 3}).to(context.device))
                                  .contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor nothing = torch::zeros_like(image);
  const auto actual = autosam_maps(model, image);
  const auto blind = autosam_maps(model, nothing);
  model->to(torch::kFloat64);
  const auto exact = autosam_maps(model, image.to(torch::kFloat64));
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const auto& [key, map] = actual[i];
    const torch::Tensor& zeroed = blind[i].second;
    context.report.compare(name + " " + key + " f64", exact[i].second, io.tensor(key), kDeepFeatures, zeroed);
    context.report.compare(name + " " + key, map, exact[i].second, kDeepFeatures, zeroed);
  }
}

}  // namespace

std::vector<Fixture> full_size_fixtures() {
  return {{"full/sam_med2d_b_256", full_sam_med2d},
          {"full/sam_automed_b_256", full_sam_automed},
          {"full/sam_medcls_b_256", full_sam_medcls},
          {"full/sam_b_1024", full_sam_1024},
          {"full/autosam_hardnet85_256", full_autosam}};
}

}  // namespace automed::parity
