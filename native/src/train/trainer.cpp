#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/checkpoint.h"
#include "core/device.h"
#include "core/error.h"
#include "core/safetensors.h"
#include "nn/dropout.h"
#include "train/head_system.h"
#include "train/interactive_system.h"

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

/// Probability 0.5 as a logit.
constexpr float kThresholdLogit = 0;

/// What evaluation draws from, so that it never draws what training does.
constexpr std::uint64_t kEvaluation = 0x6576616CU;

/// Logits 1,K,S,S -> masks K,height,width of the original image.
torch::Tensor original_masks(const torch::Tensor& logits, const pipeline::Placement& placement) {
  std::vector<torch::Tensor> masks;
  for (const auto& structure : logits.to(torch::kCPU).split(1, 1)) {
    masks.push_back(pipeline::restore_logits(structure, placement) > kThresholdLogit);
  }
  return torch::stack(masks);
}

/// Everything that can be refused before a weight is read.
void check_options(const TrainerOptions& options, const std::optional<models::HeadConfig>& head) {
  if (options.batch_size < 1) throw Error(ErrorCode::kInvalidArgument, "batchSize must be at least 1", "batchSize");
  if (options.accumulation_steps < 1) {
    throw Error(ErrorCode::kInvalidArgument, "accumulationSteps must be at least 1", "accumulationSteps");
  }
  const bool segmentation = !head || head->segments();
  if (segmentation != (options.task == pipeline::Task::kSegmentation)) {
    throw Error(ErrorCode::kWrongTask, "the head's architecture is of the other task", "headArchitecture");
  }
  if (!head && options.accumulation_steps > 1) {
    throw Error(ErrorCode::kInvalidArgument, "interactive training takes a step after every prompt",
                "accumulationSteps");
  }
  if (segmentation && head && head->structures != options.structures) {
    throw Error(ErrorCode::kInvalidArgument,
                "the head draws " + std::to_string(head->structures) + " structures, the samples have " +
                    std::to_string(options.structures),
                "structures");
  }
}

std::unique_ptr<System> make_system(const TrainerOptions& options, const models::SamConfig& base_config,
                                    const std::optional<models::HeadConfig>& head, torch::Device device) {
  models::Sam base(base_config);
  load_strict(*base, SafetensorsFile::open(options.base_weights_path));
  base->to(device);
  if (!head) return std::make_unique<InteractiveSystem>(base, options.encoder);
  const HeadStart start{options.head_weights_path, options.backbone_weights_path};
  return std::make_unique<HeadSystem>(base, *head, options.encoder, start, options.batch_norm_momentum);
}

}  // namespace

Trainer::Trainer(TrainerOptions options)
    : options_(std::move(options)),
      device_(parse_device(options_.device)),
      base_config_(models::parse_sam_config(options_.base_architecture)) {
  if (options_.head_architecture) head_config_ = models::parse_head_config(*options_.head_architecture);
  check_options(options_, head_config_);
  torch::manual_seed(options_.seed);
  system_ = make_system(options_, base_config_, head_config_, device_);
  trainable_ = system_->trainable_parameters();
  for (const auto& parameter : trainable_) trainable_parameter_count_ += parameter.numel();
  optimizer_ = make_optimizer(options_, trainable_);
  for (const auto& [name, module] : system_->modules()) {
    if (options_.dropout) nn::set_dropout(*module, *options_.dropout);
  }
  for (std::size_t i = 0; i < stores_.size(); ++i) {
    stores_[i] =
        std::make_unique<SampleStore>(options_.cache_path + "." + std::to_string(i), base_config_.encoder.image_size,
                                      base_config_.encoder.fit, options_.structures);
  }
  if (!options_.gang || options_.gang->world_size == 1) return;
  parallel_ = std::make_unique<DataParallel>(join_gang(*options_.gang, device_), system_->modules(), trainable_);
  // Dropout must not drop the same values on every rank.
  if (parallel_->rank() > 0) torch::manual_seed(mix_seed(options_.seed, static_cast<std::uint64_t>(parallel_->rank())));
}

std::size_t Trainer::add_segmentation_sample(Split split, const pipeline::PixelView& pixels, const std::uint8_t* masks,
                                             std::size_t size_bytes) {
  pipeline::check_pixels(pixels);
  if (static_cast<std::int64_t>(size_bytes) != options_.structures * pixels.width * pixels.height) {
    throw Error(
        ErrorCode::kShapeMismatch,
        "there must be one byte per pixel of the image for each of " + std::to_string(options_.structures) + " masks",
        "mask");
  }
  return store(split).add(pixels, masks, -1, /*keep_original=*/split != Split::kTrain);
}

std::size_t Trainer::add_classification_sample(Split split, const pipeline::PixelView& pixels, std::int64_t label) {
  const std::int64_t classes = head_config_ ? head_config_->classes : 0;
  if (label < 0 || label >= classes) {
    throw Error(ErrorCode::kInvalidArgument, "label must lie in [0, " + std::to_string(classes) + ")", "label");
  }
  return store(split).add(pixels, nullptr, label, false);
}

Batch Trainer::collate(const std::vector<Sample>& samples) const {
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
  batch.target =
      masks.empty() ? torch::tensor(labels, torch::kInt64) : torch::stack(masks).to(torch::kFloat32);  // B,K,S,S
  batch.target = batch.target.to(device_);
  return batch;
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

double Trainer::learn(const torch::Tensor& loss, bool last_of_epoch) {
  const auto value = parallel_ ? parallel_->whole_loss(loss) : loss.item<double>();
  if (!std::isfinite(value)) {
    throw Error(ErrorCode::kIllegalState, "the loss became " + std::to_string(value) + " in epoch " +
                                              std::to_string(epoch_ + 1) + " at sample " + std::to_string(position_) +
                                              "; a lower learning rate may help");
  }
  if (gathered_ == 0) optimizer_->zero_grad();
  const bool complete = ++gathered_ >= options_.accumulation_steps || last_of_epoch;
  const auto share = options_.accumulation_steps == 1 ? loss : loss / options_.accumulation_steps;
  if (parallel_) {
    parallel_->backward(share, complete);
  } else {
    share.backward();
  }
  if (!complete) return value;
  optimizer_->step();
  gathered_ = 0;
  return value;
}

StepResult Trainer::train(std::int64_t steps) {
  if (order_.empty()) start_epoch();
  if (parallel_ && !synchronised_) {
    parallel_->synchronise({static_cast<std::int64_t>(order_.size()),
                            static_cast<std::int64_t>(store(Split::kValidation).size()),
                            static_cast<std::int64_t>(epoch_), static_cast<std::int64_t>(position_), gathered_});
    synchronised_ = true;
  }
  system_->set_training(true);
  StepResult result;
  while (result.steps < steps && position_ < order_.size()) {
    std::vector<Sample> samples;
    const auto end = std::min(order_.size(), position_ + whole_batch());
    const BatchPart part = parallel_ ? parallel_->take_part(position_, end) : BatchPart{position_, end};
    for (auto i = part.begin; i < part.end; ++i) {
      samples.push_back(
          augment(store(Split::kTrain).read(order_[i]), options_.augment, options_.seed, epoch_, order_[i]));
    }
    double sum = 0;
    std::int64_t losses = 0;
    const auto seed = mix_seed(mix_seed(options_.seed, epoch_), part.begin);
    system_->learn(collate(samples), seed, [&](const torch::Tensor& loss) {
      sum += learn(loss, /*last_of_epoch=*/end == order_.size());
      ++losses;
    });
    result.images += static_cast<std::int64_t>(end - position_);
    position_ = end;
    result.loss += sum / static_cast<double>(losses);
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

std::size_t Trainer::whole_batch() const {
  return static_cast<std::size_t>(options_.batch_size) * (parallel_ ? parallel_->world_size() : 1);
}

void Trainer::leave_gang() {
  if (!parallel_) return;
  parallel_->barrier();
  parallel_.reset();
}

void Trainer::set_learning_rate(double learning_rate) {
  for (auto& group : optimizer_->param_groups()) group.options().set_lr(learning_rate);
}

std::vector<std::uint64_t> Trainer::evaluation_seeds(std::size_t begin, std::size_t count) const {
  std::vector<std::uint64_t> seeds;
  for (auto i = begin; i < begin + count; ++i) seeds.push_back(mix_seed(mix_seed(options_.seed, kEvaluation), i));
  return seeds;
}

std::vector<SampleResult> Trainer::evaluate(Split split) {
  system_->set_training(false);
  auto& samples = store(split);
  std::vector<SampleResult> results;
  const auto step = static_cast<std::size_t>(options_.batch_size);
  for (std::size_t begin = 0; begin < samples.size(); begin += step) {
    if (parallel_ && !parallel_->evaluates(begin / step)) continue;
    std::vector<Sample> members;
    for (auto i = begin; i < std::min(samples.size(), begin + step); ++i) members.push_back(samples.read(i));
    const auto evaluation = system_->evaluate(collate(members), evaluation_seeds(begin, members.size()));
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      SampleResult result;
      result.index = begin + i;
      result.loss = evaluation.loss[row].item<double>();
      if (options_.task == pipeline::Task::kSegmentation) {
        const auto truth = samples.original_masks(result.index).to(torch::kBool);
        const auto compare = [&](const torch::Tensor& logits) {
          return overlaps(original_masks(logits.narrow(0, row, 1), samples.placement(result.index)), truth);
        };
        result.structures = compare(evaluation.output);
        if (evaluation.point.defined()) result.point = compare(evaluation.point);
      } else {
        result.probabilities = torch::softmax(evaluation.output[row], 0).to(torch::kCPU);
        result.label = members[i].label;
      }
      results.push_back(std::move(result));
    }
  }
  if (parallel_) return parallel_->gather_results(results, samples.size());
  return results;
}

torch::Tensor Trainer::predict_masks(Split split, std::size_t index) {
  if (options_.task != pipeline::Task::kSegmentation) {
    throw Error(ErrorCode::kWrongTask, "only segmentation draws masks");
  }
  if (index >= store(split).size()) throw Error(ErrorCode::kInvalidArgument, "no such sample", "index");
  system_->set_training(false);
  const auto evaluation = system_->evaluate(collate({store(split).read(index)}), evaluation_seeds(index, 1));
  return original_masks(evaluation.output, store(split).placement(index)).to(torch::kUInt8);
}

void Trainer::export_weights(const std::optional<std::string>& head_path, const std::optional<std::string>& base_path) {
  system_->export_weights(head_path, base_path);
}

}  // namespace automed::train
