#include "train/system.h"

#include "core/error.h"

namespace automed::train {

System::System(models::Sam base, EncoderTraining encoder) : base_(std::move(base)), encoder_(encoder) {
  for (auto& parameter : base_->parameters()) parameter.set_requires_grad(false);
  if (encoder_ == EncoderTraining::kFrozen) return;
  bool any = false;
  for (auto& item : base_->image_encoder->named_parameters()) {
    const bool adapter = item.key().find(".Adapter.") != std::string::npos;
    if (encoder_ == EncoderTraining::kAdapters && !adapter) continue;
    item.value().set_requires_grad(true);
    any = true;
  }
  if (!any) throw Error(ErrorCode::kInvalidArgument, "the base has no adapters to train", "encoder");
}

std::vector<torch::Tensor> System::trainable_parameters() {
  std::vector<torch::Tensor> parameters;
  for (const auto& [name, module] : modules()) {
    for (const auto& parameter : module->parameters()) {
      if (parameter.requires_grad()) parameters.push_back(parameter);
    }
  }
  return parameters;
}

torch::Tensor System::encode(const torch::Tensor& images) {
  if (trains_encoder()) return base_->image_encoder->forward(images);
  const torch::NoGradGuard no_grad;
  return base_->image_encoder->forward(images);
}

}  // namespace automed::train
