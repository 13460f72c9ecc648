#include "models/head.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/error.h"
#include "core/json.h"

namespace automed::models {
namespace {

/// AutoSAM's maps reach 0 and 1; their logits must not be infinite.
constexpr double kProbabilityEps = 1e-6;

struct NamedHead {
  std::string_view name;
  HeadConfig::Kind kind;
  bool improved_se = true;
  bool frozen_decoder = false;
  bool attention = true;
  HeadConfig::Features features = HeadConfig::Features::kBoth;
};

using Kind = HeadConfig::Kind;
using Features = HeadConfig::Features;

// The first of each kind is the full system; the others are the rows of Table 9 (SAM-AutoMed) and Table 10
// (SAM-MedCls). Table 9's fourth, SAM's encoder instead of SAM-Med2D's, is `automed` on another base.
constexpr std::array<NamedHead, 9> kHeads = {{
    {.name = "automed", .kind = Kind::kSamAutoMed},
    {.name = "automed-frozen-decoder", .kind = Kind::kSamAutoMed, .frozen_decoder = true},
    {.name = "automed-plain-se", .kind = Kind::kSamAutoMed, .improved_se = false},
    {.name = "medcls", .kind = Kind::kSamMedCls},
    {.name = "medcls-encoder-only", .kind = Kind::kSamMedCls, .attention = false, .features = Features::kEncoder},
    {.name = "medcls-mobilenet-plain",
     .kind = Kind::kSamMedCls,
     .improved_se = false,
     .attention = false,
     .features = Features::kMobileNet},
    {.name = "medcls-mobilenet-improved",
     .kind = Kind::kSamMedCls,
     .attention = false,
     .features = Features::kMobileNet},
    {.name = "medcls-no-attention", .kind = Kind::kSamMedCls, .attention = false},
    {.name = "autosam", .kind = Kind::kAutoSam},
}};

constexpr std::int64_t kPublishedWidth = 768;  // ViT-B, the narrowest published encoder
constexpr double kSmallWidth = 0.35;
constexpr std::int64_t kAutoSamInput = 512;  // the published code's default
constexpr std::int64_t kHarDNetStride = 32;

}  // namespace

Head make_head(const HeadConfig& config, Sam& base) {
  Head head = bare_head(config, base->config());
  auto* automed = std::get_if<SamAutoMed>(&head);
  if (automed != nullptr && !(*automed)->mask_decoder.is_empty()) {
    adopt_weights(*base->mask_decoder, *(*automed)->mask_decoder);
  }
  return head;
}

Head bare_head(const HeadConfig& config, const SamConfig& base) {
  switch (config.kind) {
    case HeadConfig::Kind::kSamAutoMed:
      return SamAutoMed(base, config);
    case HeadConfig::Kind::kSamMedCls:
      return SamMedCls(base, config);
    case HeadConfig::Kind::kAutoSam:
      break;
  }
  return AutoSam(base, config);
}

void prepare_for_inference(Head& head, nn::Packer& packer, const SamConfig& base) {
  nn::fold_batch_norms(module_of(head), packer);
  auto* automed = std::get_if<SamAutoMed>(&head);
  if (automed != nullptr && !(*automed)->mask_decoder.is_empty()) {
    (*automed)->mask_decoder->pack(packer, base.encoder.grid());
  }
}

torch::nn::Module& module_of(Head& head) {
  return std::visit([](auto& module) -> torch::nn::Module& { return *module; }, head);
}

torch::nn::Module* backbone_of(Head& head) {
  if (auto* automed = std::get_if<SamAutoMed>(&head)) return (*automed)->image_prompt->backbone.get();
  if (auto* autosam = std::get_if<AutoSam>(&head)) return (*autosam)->backbone.get();
  auto& medcls = std::get<SamMedCls>(head);
  return medcls->backbone.is_empty() ? nullptr : medcls->backbone.get();
}

torch::Tensor head_forward(Head& head, const torch::Tensor& images, const torch::Tensor& embedding, Sam& base,
                           const BetweenSteps& between) {
  if (auto* automed = std::get_if<SamAutoMed>(&head)) return (*automed)->forward(images, embedding, base, between);
  if (auto* medcls = std::get_if<SamMedCls>(&head)) return (*medcls)->forward(images, embedding, between);
  return std::get<AutoSam>(head)->forward(images, embedding, base, between);
}

torch::Tensor full_size_logits(const Head& head, const torch::Tensor& low_res, std::int64_t image_size) {
  const bool stretched = std::holds_alternative<AutoSam>(head);
  const torch::Tensor full = at::upsample_bilinear2d(stretched ? stretch_masks(low_res) : low_res,
                                                     {image_size, image_size}, /*align_corners=*/false);
  return stretched ? torch::logit(full, kProbabilityEps) : full;  // B,K,S,S
}

std::vector<std::string> head_config_names() {
  std::vector<std::string> names;
  for (const NamedHead& row : kHeads) names.emplace_back(row.name);
  return names;
}

HeadConfig named_head_config(const std::string& name, const SamConfig& base, std::int64_t classes) {
  std::string known;
  for (const NamedHead& row : kHeads) {
    known += (known.empty() ? "" : ", ") + std::string(row.name);
    if (row.name != name) continue;
    const double width = base.encoder.embed_dim < kPublishedWidth ? kSmallWidth : 1.0;
    HeadConfig config;
    config.kind = row.kind;
    config.mobilenet = {.width = width, .improved_se = row.improved_se};
    config.frozen_decoder = row.frozen_decoder;
    config.attention = row.attention;
    config.features = row.features;
    config.classes = row.kind == Kind::kSamMedCls ? classes : 0;
    config.hardnet.width = width;
    const std::int64_t input = std::min(kAutoSamInput, base.encoder.image_size);
    config.hardnet.input_size = std::max(kHarDNetStride, input / kHarDNetStride * kHarDNetStride);
    return config;
  }
  throw Error(ErrorCode::kInvalidArgument, "unknown system " + json::quote(name.substr(0, 100)) + ", known: " + known,
              "system");
}

}  // namespace automed::models
