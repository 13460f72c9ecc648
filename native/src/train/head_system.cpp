#include "train/head_system.h"

#include <algorithm>

#include "core/checkpoint.h"
#include "core/error.h"
#include "core/safetensors.h"
#include "train/losses.h"
#include "train/precision.h"

namespace automed::train {

HeadSystem::HeadSystem(models::Sam base, const models::HeadConfig& config, TrainedPart train, const HeadStart& start,
                       double batch_norm_momentum)
    : System(std::move(base), train), config_(config), head_(models::make_head(config, base_)) {
  if (config.kind == models::HeadConfig::Kind::kAutoSam && trains_encoder()) {
    throw Error(ErrorCode::kInvalidArgument, "AutoSAM trains nothing of its base", "train");
  }
  if (!config.uses_embedding() && trains_encoder()) {
    throw Error(ErrorCode::kInvalidArgument, "the head does not use the encoder, so there is nothing to train in it",
                "train");
  }
  auto& module = models::module_of(head_);
  if (start.head_weights_path) load_strict(module, SafetensorsFile::open(*start.head_weights_path));
  if (start.backbone_weights_path) load_backbone(*start.backbone_weights_path);
  models::set_batch_norm_momentum(module, batch_norm_momentum);
  module.to(base_->mask_decoder->parameters().front().device());
}

void HeadSystem::load_backbone(const std::string& weights_path) {
  auto* backbone = models::backbone_of(head_);
  if (backbone == nullptr) {
    throw Error(ErrorCode::kInvalidArgument, "the head has no backbone that could start from given weights",
                "backboneWeightsPath");
  }
  const auto file = SafetensorsFile::open(weights_path);
  // SAM-AutoMed keeps its MobileNet inside the image prompt, the others their backbone at the top.
  constexpr const char* kInPrompt = "image_prompt.backbone.";
  const auto keys = file.keys();
  const bool in_prompt =
      std::any_of(keys.begin(), keys.end(), [](const auto& key) { return key.starts_with(kInPrompt); });
  load_strict(*backbone, file, in_prompt ? kInPrompt : "backbone.");
}

System::Modules HeadSystem::modules() {
  Modules modules = {{"head", &models::module_of(head_)}};
  if (trains_encoder()) modules.emplace_back("encoder", base_->image_encoder.get());
  return modules;
}

void HeadSystem::set_training(bool training) {
  models::module_of(head_).train(training);
  base_->train(training && trains_encoder());
}

torch::Tensor HeadSystem::forward(const Batch& batch) {
  const torch::Tensor embedding = config_.uses_embedding() ? encode(batch) : torch::Tensor();
  return models::head_forward(head_, batch.images, embedding, base_).to(torch::kFloat32);
}

void HeadSystem::observe(const Batch& batch) {
  const torch::NoGradGuard no_grad;
  const auto& encoder = base_->config().encoder;
  // All batch norms look at the image and none at the embedding, which may therefore be anything.
  const auto embedding =
      torch::zeros({batch.images.size(0), encoder.out_channels, encoder.grid(), encoder.grid()}, batch.images.device());
  models::head_forward(head_, batch.images, embedding, base_);
}

torch::Tensor HeadSystem::full_size(const torch::Tensor& output) const {
  return config_.segments() ? models::full_size_logits(head_, output, base_->config().encoder.image_size) : output;
}

torch::Tensor HeadSystem::loss_of(const torch::Tensor& output, const torch::Tensor& target) const {
  switch (config_.kind) {
    case models::HeadConfig::Kind::kSamAutoMed: {
      const torch::Tensor logits = full_size(output);  // B,K,S,S
      // A structure counts as an image of its own: dice per structure, then the mean.
      return segmentation_loss(logits.flatten(0, 1).unsqueeze(1), target.flatten(0, 1).unsqueeze(1));
    }
    case models::HeadConfig::Kind::kAutoSam:
      return autosam_loss(models::stretch_masks(output), target);
    case models::HeadConfig::Kind::kSamMedCls:
      break;
  }
  return torch::nn::functional::cross_entropy(output, target);
}

void HeadSystem::learn(const Batch& batch, std::uint64_t /*seed*/, const Learn& learn) {
  const torch::Tensor output = forward(batch);
  const Autocast float32(batch.images.device(), false);
  learn(loss_of(output, batch.target));
}

Evaluation HeadSystem::evaluate(const Batch& batch, const std::vector<std::uint64_t>& /*seeds*/) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor output = forward(batch);
  std::vector<torch::Tensor> losses;
  for (std::int64_t i = 0; i < output.size(0); ++i) {
    losses.push_back(loss_of(output.slice(0, i, i + 1), batch.target.slice(0, i, i + 1)));
  }
  return {full_size(output), torch::stack(losses), {}};
}

void HeadSystem::export_weights(const std::optional<std::string>& head_path,
                                const std::optional<std::string>& base_path) {
  if (head_path) save_safetensors(*head_path, state_dict(models::module_of(head_)));
  if (!base_path) return;
  // The encoder has moved away from the base's decoder; the one that moved with it is the better start for a next head.
  if (auto* automed = std::get_if<models::SamAutoMed>(&head_); automed && !(*automed)->mask_decoder.is_empty()) {
    models::adopt_weights(*(*automed)->mask_decoder, *base_->mask_decoder);
  }
  save_safetensors(*base_path, base_weights());
}

}  // namespace automed::train
