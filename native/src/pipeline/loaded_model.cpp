#include "pipeline/loaded_model.h"

#include <utility>

#include "core/checkpoint.h"
#include "core/safetensors.h"

namespace automed::pipeline {

std::int64_t count_parameters(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

const char* name_of(Task task) {
  return task == Task::kSegmentation ? "segmentation" : "classification";
}

LoadedBase::LoadedBase(models::Sam sam, models::SamConfig config, torch::Device device)
    : sam_(std::move(sam)), config_(std::move(config)), device_(device), parameter_count_(count_parameters(*sam_)) {}

std::shared_ptr<const LoadedBase> LoadedBase::load(const std::string& weights_path, const std::string& architecture,
                                                   torch::Device device) {
  const auto config = models::parse_sam_config(architecture);
  const auto file = SafetensorsFile::open(weights_path);
  models::Sam sam(config);
  load_strict(*sam, file);
  sam->to(device);
  sam->eval();
  return std::make_shared<const LoadedBase>(std::move(sam), config, device);
}

torch::Tensor LoadedBase::encode(const torch::Tensor& images) const {
  const c10::InferenceMode guard;
  auto sam = sam_;
  return sam->image_encoder->forward(images.to(device_).contiguous(torch::MemoryFormat::ChannelsLast));
}

LoadedModel::LoadedModel(std::shared_ptr<const LoadedBase> base, Head head)
    : base_(std::move(base)),
      head_(std::move(head)),
      parameter_count_(std::visit([](auto& module) { return count_parameters(*module); }, head_)) {}

std::shared_ptr<const LoadedModel> LoadedModel::load(std::shared_ptr<const LoadedBase> base,
                                                     const std::string& weights_path, const std::string& architecture) {
  const auto config = models::parse_head_config(architecture);
  const auto file = SafetensorsFile::open(weights_path);
  const auto finish = [&](auto module) {
    load_strict(*module, file);
    module->to(base->device());
    module->eval();
    return std::make_shared<const LoadedModel>(base, Head(module));
  };
  if (config.kind == models::HeadConfig::Kind::kSamAutoMed) return finish(models::SamAutoMed(base->config(), config));
  return finish(models::SamMedCls(base->config(), config));
}

torch::Tensor LoadedModel::infer(const torch::Tensor& images, const torch::Tensor& embeddings) const {
  const c10::InferenceMode guard;
  const auto input = images.to(base_->device()).contiguous(torch::MemoryFormat::ChannelsLast);
  auto sam = base_->sam();
  if (std::holds_alternative<models::SamAutoMed>(head_)) {
    auto head = std::get<models::SamAutoMed>(head_);
    const auto low_res = head->forward(input, embeddings, sam);  // B,1,S/4,S/4
    const auto size = base_->config().encoder.image_size;
    return at::upsample_bilinear2d(low_res, {size, size}, /*align_corners=*/false).to(torch::kCPU);
  }
  auto head = std::get<models::SamMedCls>(head_);
  return torch::softmax(head->forward(input, embeddings), 1).to(torch::kCPU);
}

Task LoadedModel::task() const {
  return std::holds_alternative<models::SamAutoMed>(head_) ? Task::kSegmentation : Task::kClassification;
}

}  // namespace automed::pipeline
