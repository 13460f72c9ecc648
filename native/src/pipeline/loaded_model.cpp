#include "pipeline/loaded_model.h"

#include <cmath>
#include <limits>
#include <utility>

#include "core/checkpoint.h"
#include "core/compute_alone.h"
#include "core/device.h"
#include "core/mapped_weights.h"
#include "core/safetensors.h"
#include "pipeline/finite.h"

namespace automed::pipeline {
namespace {

/// A model whose weights are still in the file.
models::Sam map_sam(const models::SamConfig& config, const WeightsSource& file) {
  models::Sam sam = [&config] {
    const WithoutRandomWeights guard;
    return models::Sam(config);
  }();
  map_strict(*sam, file);
  return sam;
}

LoadedBase::DecoderWeights copy_decoder_weights(models::SamImpl& sam) {
  const torch::NoGradGuard guard;
  LoadedBase::DecoderWeights weights;
  const auto add = [&weights](const std::string& name, const torch::Tensor& values) {
    weights.emplace_back(name, values.to(torch::kCPU, torch::kHalf).contiguous());
  };
  for (const auto& item : sam.prompt_encoder->named_parameters()) add("prompt_encoder." + item.key(), item.value());
  for (const auto& item : sam.prompt_encoder->named_buffers()) add("prompt_encoder." + item.key(), item.value());
  for (const auto& item : sam.mask_decoder->named_parameters()) add("mask_decoder." + item.key(), item.value());
  return weights;
}

/// Multiplications of the largest encoder whose steps are too short to be shared, in a linear layer of one image that
/// keeps its width: about half a millisecond of one core. The tiny base has 4 million, ViT-B 151 million at 256 pixels.
constexpr std::int64_t kShortStep = 16'000'000;

bool has_short_steps(const models::EncoderConfig& encoder) {
  const auto width_of_all_tokens = encoder.grid() * encoder.embed_dim;
  return width_of_all_tokens * width_of_all_tokens <= kShortStep;
}

}  // namespace

std::int64_t count_parameters(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

std::int64_t init_base(const std::string& architecture, std::uint64_t seed, const std::string& weights_path) {
  torch::manual_seed(seed);
  const models::Sam sam(models::parse_sam_config(architecture));
  save_safetensors(weights_path, state_dict(*sam));
  return count_parameters(*sam);
}

const char* name_of(Task task) {
  return task == Task::kSegmentation ? "segmentation" : "classification";
}

LoadedBase::LoadedBase(models::Sam sam, models::SamConfig config, torch::Device device, nn::PackPolicy packing,
                       torch::Dtype precision)
    : sam_(std::move(sam)),
      config_(std::move(config)),
      device_(device),
      parameter_count_(count_parameters(*sam_)),
      packing_(packing),
      precision_(precision),
      decoder_weights_(copy_decoder_weights(*sam_)) {}

std::shared_ptr<const LoadedBase> LoadedBase::load(const std::string& weights_path, const std::string& architecture,
                                                   torch::Device device, nn::PackPolicy packing,
                                                   torch::Dtype precision) {
  require_precision(precision, device);
  const auto config = models::parse_sam_config(architecture);
  const auto file = SafetensorsFile::open(weights_path);
  models::Sam sam = map_sam(config, file);
  sam->to(device);
  sam->eval();
  auto base = std::make_shared<const LoadedBase>(sam, config, device, packing, precision);  // counts the parameters
  if (precision != torch::kFloat32) sam->image_encoder->to(precision);
  {
    const c10::InferenceMode guard;
    sam->prompt_encoder->keep_dense_pe();
  }
  if (device.is_cpu()) {
    sam->image_encoder->pack(packing);
    nn::Packer packer(packing);
    sam->mask_decoder->pack(packer, config.encoder.grid());
    own_weights(*sam);
  }
  return base;
}

torch::Tensor LoadedBase::encode(const torch::Tensor& images, const models::KeepRows& keep) const {
  const c10::InferenceMode guard;
  std::optional<ComputeAlone> alone;
  if (images.size(0) == 1 && has_short_steps(config_.encoder)) alone.emplace();
  auto sam = sam_;
  const auto input = images.to(device_, precision_).contiguous(torch::MemoryFormat::ChannelsLast);
  return sam->image_encoder->forward(input, keep).to(torch::kFloat32);
}

const LoadedBase::DecoderWeights& LoadedBase::decoder_weights() const {
  for (const auto& [name, values] : decoder_weights_) check_finite(values, "decoder weights");
  return decoder_weights_;
}

LoadedModel::LoadedModel(std::shared_ptr<const LoadedBase> base, models::Head head, models::HeadConfig config,
                         const models::Preprocessing& preprocessing)
    : base_(std::move(base)),
      head_(std::move(head)),
      config_(config),
      preprocessing_(preprocessing),
      parameter_count_(count_parameters(models::module_of(head_))) {}

std::shared_ptr<const LoadedModel> LoadedModel::load(const std::shared_ptr<const LoadedBase>& base,
                                                     const std::string& weights_path, const std::string& architecture,
                                                     const std::optional<std::string>& preprocessing) {
  const auto config = models::parse_head_config(architecture);
  const auto seen_as =
      preprocessing ? models::parse_preprocessing(*preprocessing) : base->config().encoder.preprocessing;
  const auto file = SafetensorsFile::open(weights_path);
  auto head = [&] {
    const WithoutRandomWeights guard;
    return models::bare_head(config, base->config());
  }();
  auto& module = models::module_of(head);
  load_strict(module, file);
  module.to(base->device());
  module.eval();
  auto model = std::make_shared<const LoadedModel>(base, head, config, seen_as);  // counts the parameters
  const bool on_cpu = base->device().is_cpu();
  if (on_cpu && base->packing() == nn::PackPolicy::kNever) return model;
  nn::Packer packer(on_cpu ? base->packing() : nn::PackPolicy::kNever);
  models::prepare_for_inference(head, packer, base->config());
  return model;
}

LoadedModel::Saliency LoadedModel::saliency(const torch::Tensor& image, const torch::Tensor& embedding,
                                            std::optional<std::int64_t> target) const {
  const c10::InferenceMode guard;
  auto head = std::get<models::SamMedCls>(head_);
  const auto input = image.to(base_->device()).contiguous(torch::MemoryFormat::ChannelsLast);
  const auto [logits, without] = head->leave_one_out(input, embedding);  // 1,classes and 1,h,w,classes
  if (target && (*target < 0 || *target >= logits.size(1))) {
    throw Error(ErrorCode::kInvalidArgument, "the model has no such class", "saliency_class");
  }
  const auto chosen = target.value_or(logits[0].argmax().item<std::int64_t>());
  const auto log_odds = [chosen](const torch::Tensor& values) {  // ..., classes -> ...
    const auto one = values.select(-1, chosen);
    auto others = values.clone();
    others.select(-1, chosen).fill_(-std::numeric_limits<double>::infinity());
    return one - others.logsumexp(-1);
  };
  auto map = (log_odds(logits)[0] - log_odds(without)[0]).to(torch::kCPU, torch::kFloat32).contiguous();  // h,w
  check_finite(map, "saliency");
  return {chosen, map};
}

torch::Tensor LoadedModel::infer(const torch::Tensor& images, const torch::Tensor& embeddings,
                                 const BetweenSteps& between) const {
  const c10::InferenceMode guard;
  const auto input = images.to(base_->device()).contiguous(torch::MemoryFormat::ChannelsLast);
  auto sam = base_->sam();
  auto head = head_;
  const auto output = models::head_forward(head, input, embeddings, sam, between);
  if (!config_.segments()) {
    // A logit of -Inf beside finite ones would become a probability of 0: the row says NaN instead.
    const auto sound = output.isfinite().all(1, /*keepdim=*/true);  // B,1
    return torch::softmax(output, 1).masked_fill(sound.logical_not(), std::nan("")).to(torch::kCPU);
  }
  return models::full_size_logits(head, output, base_->config().encoder.image_size).to(torch::kCPU);
}

}  // namespace automed::pipeline
