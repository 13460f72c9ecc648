#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <sstream>
#include <utility>

#include "core/atomic_file.h"
#include "core/checkpoint.h"
#include "core/device.h"
#include "core/error.h"
#include "core/safetensors.h"
#include "core/translate.h"
#include "models/mobilenet_v3.h"
#include "train/losses.h"
#include "train/metrics.h"

namespace automed::train {
namespace {

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const TrainerOptions& options,
                                                        std::vector<torch::Tensor> parameters) {
  if (options.optimizer == OptimizerKind::kAdam) {
    return std::make_unique<torch::optim::Adam>(
        std::move(parameters), torch::optim::AdamOptions(options.learning_rate).weight_decay(options.weight_decay));
  }
  return std::make_unique<torch::optim::AdamW>(
      std::move(parameters), torch::optim::AdamWOptions(options.learning_rate).weight_decay(options.weight_decay));
}

void copy_parameters(const torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard guard;
  auto target = to.named_parameters();
  for (const auto& item : from.named_parameters()) target[item.key()].copy_(item.value());
}

torch::Tensor generator_state(torch::Device device) {
  auto generator = at::globalContext().defaultGenerator(device);
  return generator.get_state();
}

void set_generator_state(torch::Device device, const torch::Tensor& state) {
  auto generator = at::globalContext().defaultGenerator(device);
  generator.set_state(state.cpu());
}

/// Probability 0.5 as a logit.
constexpr float kThresholdLogit = 0;

}  // namespace

Trainer::Trainer(TrainerOptions options)
    : options_(std::move(options)),
      device_(parse_device(options_.device)),
      base_config_(models::parse_sam_config(options_.base_architecture)),
      head_config_(models::parse_head_config(options_.head_architecture)),
      head_(models::SamAutoMed{nullptr}) {
  if (options_.batch_size < 1) throw Error(ErrorCode::kInvalidArgument, "batchSize must be at least 1", "batchSize");
  const bool segmentation = head_config_.kind == models::HeadConfig::Kind::kSamAutoMed;
  if (segmentation != (options_.task == pipeline::Task::kSegmentation)) {
    throw Error(ErrorCode::kWrongTask, "the head's architecture is of the other task", "headArchitecture");
  }
  torch::manual_seed(options_.seed);
  base_ = models::Sam(base_config_);
  load_strict(*base_, SafetensorsFile::open(options_.base_weights_path));
  if (segmentation) {
    models::SamAutoMed head(base_config_, head_config_);
    copy_parameters(*base_->mask_decoder, *head->mask_decoder);
    head_ = head;
  } else {
    head_ = models::SamMedCls(base_config_, head_config_);
  }
  if (options_.head_weights_path) load_strict(head_module(), SafetensorsFile::open(*options_.head_weights_path));
  if (options_.backbone_weights_path) load_backbone(*options_.backbone_weights_path);
  models::set_batch_norm_momentum(head_module(), options_.batch_norm_momentum);
  base_->to(device_);
  head_module().to(device_);
  for (auto& parameter : base_->parameters()) parameter.set_requires_grad(false);
  if (options_.train_encoder) {
    for (auto& parameter : base_->image_encoder->parameters()) parameter.set_requires_grad(true);
  }
  const auto trainable = trainable_parameters();
  for (const auto& parameter : trainable) trainable_parameter_count_ += parameter.numel();
  optimizer_ = make_optimizer(options_, trainable);
  for (std::size_t i = 0; i < stores_.size(); ++i) {
    stores_[i] = std::make_unique<SampleStore>(options_.cache_path + "." + std::to_string(i),
                                               base_config_.encoder.image_size, base_config_.encoder.fit);
  }
}

torch::nn::Module& Trainer::head_module() {
  return std::visit([](auto& head) -> torch::nn::Module& { return *head; }, head_);
}

void Trainer::load_backbone(const std::string& weights_path) {
  const auto file = SafetensorsFile::open(weights_path);
  // SAM-AutoMed keeps its MobileNet inside the image prompt, SAM-MedCls at the top.
  constexpr const char* kInPrompt = "image_prompt.backbone.";
  const auto keys = file.keys();
  const bool in_prompt =
      std::any_of(keys.begin(), keys.end(), [](const auto& key) { return key.starts_with(kInPrompt); });
  auto& backbone = std::holds_alternative<models::SamAutoMed>(head_)
                       ? std::get<models::SamAutoMed>(head_)->image_prompt->backbone
                       : std::get<models::SamMedCls>(head_)->backbone;
  load_strict(*backbone, file, in_prompt ? kInPrompt : "backbone.");
}

std::vector<torch::Tensor> Trainer::trainable_parameters() {
  auto parameters = head_module().parameters();
  if (options_.train_encoder) {
    for (auto& parameter : base_->image_encoder->parameters()) parameters.push_back(parameter);
  }
  return parameters;
}

std::size_t Trainer::add_segmentation_sample(Split split, const pipeline::PixelView& pixels, const std::uint8_t* mask) {
  return store(split).add(pixels, mask, -1, /*keep_original=*/split != Split::kTrain);
}

std::size_t Trainer::add_classification_sample(Split split, const pipeline::PixelView& pixels, std::int64_t label) {
  if (label < 0 || label >= head_config_.classes) {
    throw Error(ErrorCode::kInvalidArgument, "label must lie in [0, " + std::to_string(head_config_.classes) + ")",
                "label");
  }
  return store(split).add(pixels, nullptr, label, false);
}

Trainer::Batch Trainer::collate(const std::vector<Sample>& samples) const {
  std::vector<torch::Tensor> images;
  std::vector<torch::Tensor> masks;
  std::vector<std::int64_t> labels;
  for (const auto& sample : samples) {
    images.push_back(sample.image);
    if (sample.mask.defined()) masks.push_back(sample.mask);
    labels.push_back(sample.label);
  }
  // Channels last: a training step of SAM-AutoMed on the tiny base takes a quarter less time
  // (tests/bench/training.mjs).
  Batch batch{torch::stack(images).to(device_).contiguous(torch::MemoryFormat::ChannelsLast), {}};
  batch.target = masks.empty() ? torch::tensor(labels, torch::kInt64)
                               : torch::stack(masks).unsqueeze(1).to(torch::kFloat32);  // B,1,S,S
  batch.target = batch.target.to(device_);
  return batch;
}

/// Logits B,1,S,S or B,classes.
torch::Tensor Trainer::forward(const torch::Tensor& images) {
  torch::Tensor embedding;
  if (options_.train_encoder) {
    embedding = base_->image_encoder->forward(images);
  } else {
    const torch::NoGradGuard guard;
    embedding = base_->image_encoder->forward(images);
  }
  if (std::holds_alternative<models::SamMedCls>(head_)) {
    return std::get<models::SamMedCls>(head_)->forward(images, embedding);
  }
  const auto low_res = std::get<models::SamAutoMed>(head_)->forward(images, embedding, base_);
  const auto size = base_config_.encoder.image_size;
  return at::upsample_bilinear2d(low_res, {size, size}, /*align_corners=*/false);
}

torch::Tensor Trainer::loss_of(const torch::Tensor& output, const torch::Tensor& target) const {
  return options_.task == pipeline::Task::kSegmentation ? segmentation_loss(output, target)
                                                        : torch::nn::functional::cross_entropy(output, target);
}

void Trainer::set_training(bool training) {
  head_module().train(training);
  base_->train(training && options_.train_encoder);
}

/// Draws the epoch's order; it depends on the seed and the epoch alone.
void Trainer::start_epoch() {
  const auto count = store(Split::kTrain).size();
  if (count == 0) throw Error(ErrorCode::kIllegalState, "there is no training sample");
  order_.resize(count);
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  Random random(mix_seed(options_.seed, epoch_));
  for (std::size_t i = count - 1; i > 0; --i) std::swap(order_[i], order_[random.below(i + 1)]);
}

StepResult Trainer::train(std::int64_t steps) {
  if (order_.empty()) start_epoch();
  set_training(true);
  StepResult result;
  while (result.steps < steps && position_ < order_.size()) {
    std::vector<Sample> samples;
    const auto end = std::min(order_.size(), position_ + static_cast<std::size_t>(options_.batch_size));
    for (auto i = position_; i < end; ++i) {
      samples.push_back(
          augment(store(Split::kTrain).read(order_[i]), options_.augment, options_.seed, epoch_, order_[i]));
    }
    const auto batch = collate(samples);
    optimizer_->zero_grad();
    const auto loss = loss_of(forward(batch.images), batch.target);
    const auto value = loss.item<double>();
    if (!std::isfinite(value)) {
      throw Error(ErrorCode::kIllegalState, "the loss became " + std::to_string(value) + " in epoch " +
                                                std::to_string(epoch_ + 1) + " at sample " + std::to_string(position_) +
                                                "; a lower learning rate may help");
    }
    loss.backward();
    optimizer_->step();
    position_ = end;
    result.images += static_cast<std::int64_t>(samples.size());
    result.loss += value;
    ++result.steps;
  }
  if (result.steps > 0) result.loss /= static_cast<double>(result.steps);
  if (position_ >= order_.size()) {
    result.epoch_done = true;
    ++epoch_;
    position_ = 0;
    order_.clear();
  }
  return result;
}

void Trainer::set_learning_rate(double learning_rate) {
  for (auto& group : optimizer_->param_groups()) group.options().set_lr(learning_rate);
}

std::vector<SampleResult> Trainer::evaluate(Split split) {
  const torch::NoGradGuard guard;
  set_training(false);
  auto& samples = store(split);
  std::vector<SampleResult> results;
  const auto step = static_cast<std::size_t>(options_.batch_size);
  for (std::size_t begin = 0; begin < samples.size(); begin += step) {
    std::vector<Sample> members;
    for (auto i = begin; i < std::min(samples.size(), begin + step); ++i) members.push_back(samples.read(i));
    const auto batch = collate(members);
    const auto output = forward(batch.images);
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      const auto logits = output.slice(0, row, row + 1);
      SampleResult result;
      result.index = begin + i;
      result.loss = loss_of(logits, batch.target.slice(0, row, row + 1)).item<double>();
      if (options_.task == pipeline::Task::kSegmentation) {
        const auto index = result.index;
        const auto mask = pipeline::restore_logits(logits.to(torch::kCPU), samples.placement(index)) > kThresholdLogit;
        const auto truth = samples.original_mask(index).to(torch::kBool);
        const auto scores = overlap(mask, truth);
        result.dice = scores.dice;
        result.iou = scores.iou;
      } else {
        result.probabilities = torch::softmax(logits[0], 0).to(torch::kCPU);
        result.label = members[i].label;
      }
      results.push_back(std::move(result));
    }
  }
  return results;
}

torch::Tensor Trainer::predict_mask(Split split, std::size_t index) {
  if (options_.task != pipeline::Task::kSegmentation) {
    throw Error(ErrorCode::kWrongTask, "only segmentation draws masks");
  }
  if (index >= store(split).size()) throw Error(ErrorCode::kInvalidArgument, "no such sample", "index");
  const torch::NoGradGuard guard;
  set_training(false);
  const auto batch = collate({store(split).read(index)});
  const auto logits = forward(batch.images).to(torch::kCPU);
  return (pipeline::restore_logits(logits, store(split).placement(index)) > kThresholdLogit).to(torch::kUInt8);
}

void Trainer::save(torch::serialize::OutputArchive& archive) {
  torch::serialize::OutputArchive head;
  head_module().save(head);
  archive.write("head", head);
  if (options_.train_encoder) {
    torch::serialize::OutputArchive encoder;
    base_->image_encoder->save(encoder);
    archive.write("encoder", encoder);
  }
  torch::serialize::OutputArchive optimizer;
  optimizer_->save(optimizer);
  archive.write("optimizer", optimizer);
  archive.write("rng", generator_state(torch::kCPU));
  if (device_.is_cuda()) archive.write("rng_device", generator_state(device_));
  const auto progress = torch::tensor({static_cast<std::int64_t>(epoch_), static_cast<std::int64_t>(position_),
                                       static_cast<std::int64_t>(store(Split::kTrain).size())},
                                      torch::kInt64);
  archive.write("progress", progress);
}

void Trainer::save_checkpoint(const std::string& path) {
  torch::serialize::OutputArchive archive;
  save(archive);
  AtomicFile file(path);
  // The archive writes once more while it is destroyed, so an exception from in here would end the process.
  std::optional<Error> failure;
  archive.save_to([&](const void* data, std::size_t size) {
    if (failure) return size;
    try {
      file.write(data, size);
    } catch (...) {
      failure = current_error();
    }
    return size;
  });
  if (failure) throw *failure;
  file.commit();
}

void Trainer::load(torch::serialize::InputArchive& archive) {
  torch::Tensor progress;
  archive.read("progress", progress);
  const auto samples = static_cast<std::int64_t>(store(Split::kTrain).size());
  if (progress[2].item<std::int64_t>() != samples) {
    throw Error(ErrorCode::kCheckpointMismatch, "the checkpoint was made with " +
                                                    std::to_string(progress[2].item<std::int64_t>()) +
                                                    " training samples, there are " + std::to_string(samples));
  }
  torch::serialize::InputArchive head;
  archive.read("head", head);
  head_module().load(head);
  if (options_.train_encoder) {
    torch::serialize::InputArchive encoder;
    archive.read("encoder", encoder);
    base_->image_encoder->load(encoder);
  }
  torch::serialize::InputArchive optimizer;
  archive.read("optimizer", optimizer);
  optimizer_->state().clear();  // a checkpoint of step 0 holds none
  optimizer_->load(optimizer);
  torch::Tensor state;
  archive.read("rng", state);
  set_generator_state(torch::kCPU, state);
  if (device_.is_cuda()) {
    archive.read("rng_device", state);
    set_generator_state(device_, state);
  }
  epoch_ = static_cast<std::uint64_t>(progress[0].item<std::int64_t>());
  position_ = static_cast<std::size_t>(progress[1].item<std::int64_t>());
  order_.clear();
  if (position_ > 0) start_epoch();
}

std::vector<std::vector<std::int64_t>> Trainer::parameter_shapes() {
  std::vector<std::vector<std::int64_t>> shapes;
  for (const auto& [name, tensor] : state_dict(head_module())) shapes.push_back(tensor.sizes().vec());
  for (const auto& [name, tensor] : state_dict(*base_)) shapes.push_back(tensor.sizes().vec());
  return shapes;
}

void Trainer::load_checkpoint(const std::string& path) {
  torch::serialize::InputArchive archive;
  if (!std::filesystem::is_regular_file(path)) throw Error(ErrorCode::kNotFound, "there is no checkpoint");
  const auto shapes = parameter_shapes();
  try {
    archive.load_from(path, device_);
    load(archive);
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& error) {
    throw Error(ErrorCode::kCheckpointCorrupt,
                "the checkpoint cannot be read: " + std::string(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kCheckpointCorrupt, "the checkpoint cannot be read: " + std::string(error.what()));
  }
  // LibTorch takes a tensor of any shape.
  if (parameter_shapes() != shapes) {
    throw Error(ErrorCode::kCheckpointMismatch, "the checkpoint is of another architecture");
  }
}

void Trainer::export_weights(const std::string& head_path, const std::optional<std::string>& base_path) {
  save_safetensors(head_path, state_dict(head_module()));
  if (!base_path) return;
  // The encoder has moved away from the base's decoder; the one that moved with it is the better start for a next head.
  if (std::holds_alternative<models::SamAutoMed>(head_)) {
    copy_parameters(*std::get<models::SamAutoMed>(head_)->mask_decoder, *base_->mask_decoder);
  }
  save_safetensors(*base_path, state_dict(*base_));
}

}  // namespace automed::train
