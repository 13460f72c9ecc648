#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <numeric>
#include <sstream>
#include <utility>

#include "core/checkpoint.h"
#include "core/device.h"
#include "core/error.h"
#include "core/safetensors.h"
#include "nn/dropout.h"
#include "pipeline/drawn_mask.h"
#include "pipeline/finite.h"
#include "train/batch_norm.h"
#include "train/fused_adam.h"
#include "train/gradients.h"
#include "train/head_system.h"
#include "train/interactive_system.h"
#include "train/precision.h"

namespace automed::train {
namespace {

void check_losses(const std::vector<SampleResult>& results) {
  for (const auto& result : results) {
    if (std::isfinite(result.loss)) continue;
    throw Error(ErrorCode::kIllegalState,
                "the model computes NaN or Inf for sample " + std::to_string(result.index) +
                    " of the evaluation; a lower learning rate or gradientClip may help",
                "loss");
  }
}

/// What evaluation draws from, so that it never draws what training does.
constexpr std::uint64_t kEvaluation = 0x6576616CU;
/// The same for the samples that batch norm is measured on.
constexpr std::uint64_t kMeasurement = 0x6D656173U;

/// The numbers from 0 to count, in an order that the seed decides.
std::vector<std::size_t> permutation(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(seed);
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

/// Logits 1,K,S,S -> masks K,height,width of the original image, foreground above a probability of `threshold`.
torch::Tensor original_masks(const torch::Tensor& logits, const pipeline::Placement& placement, double threshold) {
  const double threshold_logit = std::log(threshold / (1 - threshold));
  std::vector<torch::Tensor> masks;
  for (const auto& structure : logits.to(torch::kCPU).split(1, 1)) {
    masks.push_back(pipeline::restore_logits(structure, placement) > threshold_logit);
  }
  return torch::stack(masks);
}

/// Everything that can be refused before a weight is read.
void check_options(const TrainerOptions& options, const std::optional<models::HeadConfig>& head) {
  pipeline::check_threshold(options.threshold);
  if (options.batch_size < 1) throw Error(ErrorCode::kInvalidArgument, "batchSize must be at least 1", "batchSize");
  if (options.accumulation_steps < 1) {
    throw Error(ErrorCode::kInvalidArgument, "accumulationSteps must be at least 1", "accumulationSteps");
  }
  if (options.augment.rotation_steps > 0 && options.augment.rotation_degrees <= 0) {
    throw Error(ErrorCode::kInvalidArgument, "fixed angles need a range to lie in: set rotationDegrees",
                "rotationSteps");
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
  const auto file = SafetensorsFile::open(options.base_weights_path);
  load_strict(*base, file);
  base->to(device);
  std::unique_ptr<System> system;
  if (head) {
    const HeadStart start{options.head_weights_path, options.backbone_weights_path};
    system = std::make_unique<HeadSystem>(base, *head, options.train, start, options.batch_norm_momentum);
  } else {
    system = std::make_unique<InteractiveSystem>(base, options.train);
  }
  system->pack_encoder(file, options.encoder_weights);
  return system;
}

}  // namespace

Trainer::Trainer(TrainerOptions options)
    : options_(std::move(options)),
      device_(parse_device(options_.device)),
      base_config_(models::parse_sam_config(options_.base_architecture)) {
  if (options_.head_architecture) head_config_ = models::parse_head_config(*options_.head_architecture);
  check_options(options_, head_config_);
  bfloat16_ = parse_training_precision(options_.precision, device_);
  torch::manual_seed(options_.seed);
  system_ = make_system(options_, base_config_, head_config_, device_);
  trainable_ = system_->trainable_parameters();
  for (const auto& parameter : trainable_) trainable_parameter_count_ += parameter.numel();
  optimizer_ = make_fused_adam(trainable_, options_.learning_rate, options_.weight_decay,
                               options_.optimizer == OptimizerKind::kAdam ? WeightDecay::kL2 : WeightDecay::kDecoupled);
  for (const auto& [name, module] : system_->modules()) {
    if (options_.dropout) nn::set_dropout(*module, *options_.dropout);
  }
  const auto preprocessing = options_.preprocessing ? models::parse_preprocessing(*options_.preprocessing)
                                                    : base_config_.encoder.preprocessing;
  for (std::size_t i = 0; i < stores_.size(); ++i) {
    stores_[i] = std::make_unique<SampleStore>(options_.cache_path + "." + std::to_string(i),
                                               base_config_.encoder.image_size, preprocessing, options_.structures);
  }
  open_embeddings();
  loader_ = std::make_unique<BatchLoader>([this](const BatchPlan& plan) { return training_batch(plan); });
  if (!options_.process_group || options_.process_group->world_size == 1) return;
  parallel_ = std::make_unique<DataParallel>(join_process_group(*options_.process_group, device_), system_->modules(),
                                             trainable_);
  // Dropout must not drop the same values on every rank.
  if (parallel_->rank() > 0) torch::manual_seed(mix_seed(options_.seed, static_cast<std::uint64_t>(parallel_->rank())));
}

std::string Trainer::embeddings_owner() const {
  const auto& augment = options_.augment;
  std::ostringstream owner;
  owner << std::setprecision(std::numeric_limits<double>::max_digits10);
  owner << options_.embeddings->base_digest << ' ' << options_.base_architecture;
  // Another library or device rounds differently, and so would a run that is resumed there.
  owner << ' ' << TORCH_VERSION << ' ' << device_.str();
  // A variant numbers the flips and the angles of these options: the third of five is another angle than the third of
  // nine.
  owner << ' ' << augment.rotation_degrees << ' ' << augment.rotation_steps;
  owner << ' ' << augment.horizontal_flip << ' ' << augment.vertical_flip;
  owner << ' ' << options_.precision;
  if (options_.encoder_weights != nn::PackPolicy::kNever && device_.is_cpu()) owner << " packed";
  // What else decides the pixels that the encoder sees, such as how images are brought to its input, belongs here.
  return owner.str();
}

void Trainer::open_embeddings() {
  if (!options_.embeddings || !system_->can_keep_embeddings()) return;
  const auto& encoder = base_config_.encoder;
  embeddings_ = std::make_unique<EmbeddingStore>(
      EmbeddingStoreOptions{.path = options_.embeddings->path,
                            .max_bytes = options_.embeddings->max_bytes,
                            .owner = embeddings_owner(),
                            .shape = {encoder.out_channels, encoder.grid(), encoder.grid()}});
  system_->keep_embeddings(embeddings_.get());
}

std::optional<EmbeddingStoreStats> Trainer::embedding_stats() const {
  if (!embeddings_) return std::nullopt;
  return embeddings_->stats();
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
  loader_->drop();
  return store(split).add(pixels, masks, -1, /*keep_original=*/split != Split::kTrain);
}

std::size_t Trainer::add_classification_sample(Split split, const pipeline::PixelView& pixels, std::int64_t label) {
  const std::int64_t classes = head_config_ ? head_config_->classes : 0;
  if (label < 0 || label >= classes) {
    throw Error(ErrorCode::kInvalidArgument, "label must lie in [0, " + std::to_string(classes) + ")", "label");
  }
  loader_->drop();
  return store(split).add(pixels, nullptr, label, false);
}

Batch Trainer::collate(const std::vector<Sample>& samples) {
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
  Batch batch{torch::stack(images).contiguous(torch::MemoryFormat::ChannelsLast), {}, {}};
  batch.target =
      masks.empty() ? torch::tensor(labels, torch::kInt64) : torch::stack(masks).to(torch::kFloat32);  // B,K,S,S
  return batch;
}

Batch Trainer::on_device(Batch batch) const {
  batch.images = batch.images.to(device_);
  batch.target = batch.target.to(device_);
  return batch;
}

Batch Trainer::training_batch(const BatchPlan& plan) const {
  std::vector<Sample> samples;
  std::vector<EmbeddingKey> keys;
  for (const auto index : plan.indices) {
    const auto transform = draw_transform(options_.augment, options_.seed, plan.epoch, index);
    samples.push_back(apply_transform(store(Split::kTrain).read(index), transform));
    if (!transform.variant) continue;
    keys.push_back({store(Split::kTrain).digest(index), *transform.variant | (bfloat16_ ? kReducedPrecision : 0)});
  }
  Batch batch = collate(samples);
  batch.keys = std::move(keys);
  return batch;
}

Batch Trainer::plain_batch(Split split, std::size_t begin, std::size_t count) {
  std::vector<Sample> samples;
  std::vector<EmbeddingKey> keys;
  for (auto i = begin; i < begin + count; ++i) {
    samples.push_back(store(split).read(i));
    keys.push_back({store(split).digest(i), 0});
  }
  Batch batch = on_device(collate(samples));
  batch.keys = std::move(keys);
  return batch;
}

/// It depends on the seed and the epoch alone.
std::vector<std::size_t> Trainer::order_of(std::uint64_t epoch) const {
  return permutation(store(Split::kTrain).size(), mix_seed(options_.seed, epoch));
}

void Trainer::start_epoch() {
  if (store(Split::kTrain).size() == 0) throw Error(ErrorCode::kIllegalState, "there is no training sample");
  order_ = order_of(epoch_);
}

std::size_t Trainer::end_of_batch(const std::vector<std::size_t>& order, std::size_t begin) const {
  return std::min(order.size(), begin + whole_batch());
}

BatchPlan Trainer::plan_of(const std::vector<std::size_t>& order, std::uint64_t epoch, std::size_t begin) const {
  const auto end = end_of_batch(order, begin);
  const BatchPart part = parallel_ ? parallel_->part_of(begin, end) : BatchPart{begin, end};
  return {.indices = {order.begin() + static_cast<std::ptrdiff_t>(part.begin),
                      order.begin() + static_cast<std::ptrdiff_t>(part.end)},
          .epoch = epoch};
}

void Trainer::prepare_next(std::size_t next) {
  if (next < order_.size()) {
    loader_->prepare(plan_of(order_, epoch_, next));
  } else {
    loader_->prepare(plan_of(order_of(epoch_ + 1), epoch_ + 1, 0));
  }
}

void Trainer::fail_not_finite(const char* what, double value) {
  // What was gathered holds it too.
  optimizer_->zero_grad();
  gathered_ = 0;
  const auto batch = position_ / whole_batch() + 1;
  std::string samples;
  for (const auto index : recent_) samples += (samples.empty() ? "" : ", ") + std::to_string(index);
  throw Error(ErrorCode::kIllegalState,
              "the " + std::string(what) + " became " + std::to_string(value) + " in epoch " +
                  std::to_string(epoch_ + 1) + ", batch " + std::to_string(batch) + " (samples " + samples +
                  "); a lower learning rate or gradientClip may help",
              what);
}

double Trainer::learn(const torch::Tensor& loss, bool last_of_epoch) {
  const auto value = parallel_ ? parallel_->whole_loss(loss) : loss.item<double>();
  if (!std::isfinite(value)) fail_not_finite("loss", value);
  if (gathered_ == 0) optimizer_->zero_grad();
  const Autocast float32(device_, false);
  const bool complete = ++gathered_ >= options_.accumulation_steps || last_of_epoch;
  const auto share = options_.accumulation_steps == 1 ? loss : loss / options_.accumulation_steps;
  if (parallel_) {
    parallel_->backward(share, complete);
  } else {
    share.backward();
  }
  if (complete) take_step();
  return value;
}

void Trainer::take_step() {
  const double norm = gradient_norm(trainable_);
  if (!std::isfinite(norm)) fail_not_finite("gradient", norm);
  if (options_.gradient_clip > 0) clip_gradients(trainable_, norm, options_.gradient_clip);
  optimizer_->step();
  gathered_ = 0;
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
  const double waited_before = loader_->waited_seconds();
  StepResult result;
  while (result.steps < steps && position_ < order_.size()) {
    const auto end = end_of_batch(order_, position_);
    const BatchPart part = parallel_ ? parallel_->take_part(position_, end) : BatchPart{position_, end};
    const BatchPlan plan = plan_of(order_, epoch_, position_);
    if (gathered_ == 0) recent_.clear();
    recent_.insert(recent_.end(), plan.indices.begin(), plan.indices.end());
    const auto batch = on_device(loader_->take(plan));
    prepare_next(end);
    double sum = 0;
    std::int64_t losses = 0;
    const auto seed = mix_seed(mix_seed(options_.seed, epoch_), part.begin);
    const Autocast precision(device_, bfloat16_);
    system_->learn(batch, seed, [&](const torch::Tensor& loss) {
      sum += learn(loss, /*last_of_epoch=*/end == order_.size());
      ++losses;
    });
    result.images += static_cast<std::int64_t>(end - position_);
    position_ = end;
    result.loss += sum / static_cast<double>(losses);
    ++result.steps;
  }
  if (result.steps > 0) result.loss /= static_cast<double>(result.steps);
  result.wait_seconds = loader_->waited_seconds() - waited_before;
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

void Trainer::leave_process_group() {
  if (!parallel_) return;
  parallel_->barrier();
  parallel_.reset();
}

void Trainer::set_learning_rate(double learning_rate) {
  for (auto& group : optimizer_->param_groups()) group.options().set_lr(learning_rate);
}

std::int64_t Trainer::measure_batch_norm(std::int64_t batches) {
  const auto order = permutation(store(Split::kTrain).size(), mix_seed(options_.seed, kMeasurement));
  const auto step = static_cast<std::size_t>(options_.batch_size);
  system_->set_training(false);
  // Every rank measures on the same samples, by itself.
  if (parallel_) parallel_->share_statistics(false);
  std::vector<std::unique_ptr<BatchNormMeasurement>> measurements;
  std::int64_t layers = 0;
  for (const auto& [name, module] : system_->modules()) {
    measurements.push_back(std::make_unique<BatchNormMeasurement>(*module));
    layers += measurements.back()->layers();
  }
  std::int64_t taken = 0;
  for (std::size_t begin = 0; layers > 0 && taken < batches && begin < order.size(); begin += step, ++taken) {
    const auto end = std::min(order.size(), begin + step);
    // Each batch counts alike, so a small rest would count too much.
    if (taken > 0 && 2 * (end - begin) <= step) break;
    const std::vector<std::size_t> indices(order.begin() + static_cast<std::ptrdiff_t>(begin),
                                           order.begin() + static_cast<std::ptrdiff_t>(end));
    const BatchPlan plan{.indices = indices, .epoch = kMeasurement};
    system_->observe(on_device(training_batch(plan)));
  }
  if (parallel_) parallel_->share_statistics(true);
  return taken;
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
    const auto count = std::min(samples.size() - begin, step);
    const auto evaluation = system_->evaluate(plain_batch(split, begin, count), evaluation_seeds(begin, count));
    for (std::size_t i = 0; i < count; ++i) {
      const auto row = static_cast<std::int64_t>(i);
      SampleResult result;
      result.index = begin + i;
      result.loss = evaluation.loss[row].item<double>();
      // A loss may hide them: Dice of an infinite logit is a number.
      if (!pipeline::is_finite(evaluation.output[row])) result.loss = std::nan("");
      if (options_.task == pipeline::Task::kSegmentation) {
        const auto truth = samples.original_masks(result.index).to(torch::kBool);
        const auto compare = [&](const torch::Tensor& logits) {
          const auto& placement = samples.placement(result.index);
          return overlaps(original_masks(logits.narrow(0, row, 1), placement, options_.threshold), truth);
        };
        result.structures = compare(evaluation.output);
        if (evaluation.point.defined()) result.point = compare(evaluation.point);
      } else {
        result.probabilities = torch::softmax(evaluation.output[row], 0).to(torch::kCPU);
        result.label = samples.label(result.index);
      }
      results.push_back(std::move(result));
    }
  }
  if (parallel_) results = parallel_->gather_results(results, samples.size());
  check_losses(results);  // of all ranks, so that all of them fail alike
  return results;
}

torch::Tensor Trainer::predict_masks(Split split, std::size_t index) {
  if (options_.task != pipeline::Task::kSegmentation) {
    throw Error(ErrorCode::kWrongTask, "only segmentation draws masks");
  }
  if (index >= store(split).size()) throw Error(ErrorCode::kInvalidArgument, "no such sample", "index");
  system_->set_training(false);
  const auto evaluation = system_->evaluate(plain_batch(split, index, 1), evaluation_seeds(index, 1));
  return original_masks(evaluation.output, store(split).placement(index), options_.threshold).to(torch::kUInt8);
}

void Trainer::export_weights(const std::optional<std::string>& head_path, const std::optional<std::string>& base_path) {
  system_->export_weights(head_path, base_path);
}

}  // namespace automed::train
