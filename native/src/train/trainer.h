#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/config.h"
#include "pipeline/loaded_model.h"
#include "train/augment.h"
#include "train/batch_loader.h"
#include "train/collective.h"
#include "train/data_parallel.h"
#include "train/embedding_store.h"
#include "train/metrics.h"
#include "train/sample_store.h"
#include "train/system.h"

namespace automed::train {

enum class Split { kTrain, kValidation, kTest };
enum class OptimizerKind { kAdam, kAdamW };

/// Where a frozen encoder's embeddings are kept.
struct EmbeddingCacheOptions {
  std::string path;
  std::int64_t max_bytes = 0;
  std::string base_digest;  ///< of the base's weights
};

struct TrainerOptions {
  std::string device = "cpu";
  pipeline::Task task = pipeline::Task::kSegmentation;
  std::string base_architecture;
  std::string base_weights_path;
  std::optional<std::string> head_architecture;  ///< absent: the base itself learns to follow prompts
  std::optional<std::string> preprocessing;      ///< JSON with `fit`, `channels`, `resize`; absent: the base's
  std::optional<std::string> head_weights_path;  ///< absent: random, decoder copied from the base
  /// Weights of a model of either task whose MobileNet the run starts from; absent: the head's own.
  std::optional<std::string> backbone_weights_path;
  TrainedPart train = TrainedPart::kHead;
  /// Of a frozen encoder on a CPU. kMeasured may round otherwise in a run that is resumed.
  nn::PackPolicy encoder_weights = nn::PackPolicy::kAlways;
  std::int64_t structures = 1;  ///< masks of each sample; must be the head's
  double threshold = 0.5;       ///< probability in (0, 1) above which an evaluation's pixel is foreground
  std::uint64_t seed = 0;
  OptimizerKind optimizer = OptimizerKind::kAdam;
  double learning_rate = 1e-4;
  double weight_decay = 0;  ///< L2 for Adam, decoupled for AdamW
  std::int64_t batch_size = 2;
  std::int64_t accumulation_steps = 1;  ///< batches whose gradients make one optimiser step
  AugmentOptions augment;
  double batch_norm_momentum = 0.1;
  double gradient_clip = 0;                  ///< norm of all gradients together that a step may have; 0: any
  std::string precision = "float32";         ///< of training: `float32`, `bf16`, `auto`; evaluation is float32
  std::optional<double> dropout;             ///< absent: the head's own
  std::optional<RankOptions> process_group;  ///< absent: the run is this process alone
  std::string cache_path;
  std::optional<EmbeddingCacheOptions> embeddings;  ///< absent: each is computed whenever it is needed
};

struct StepResult {
  std::int64_t steps = 0;  ///< batches
  std::int64_t images = 0;
  double loss = 0;  ///< mean over the steps
  bool epoch_done = false;
  double wait_seconds = 0;  ///< that the steps waited for their samples to be read and augmented
};

struct SampleResult {
  std::size_t index = 0;
  double loss = 0;
  std::vector<Overlap> structures;  ///< segmentation, at the original size: of each structure
  std::vector<Overlap> point;       ///< interactive systems: the same with one point as prompt instead of the box
  torch::Tensor probabilities;      ///< classification, float32 classes; undefined otherwise
  std::optional<std::int64_t> label;
};

/// One training run: samples, augmentation, optimiser and random state; what is trained is its System. Synchronous; the
/// caller gives it one thread. As a rank of a process group it learns from its part of every batch, `batch_size`
/// samples being each rank's, and every rank makes the same calls with the same samples; losses and evaluations are
/// those of all.
class Trainer {
 public:
  explicit Trainer(TrainerOptions options);

  std::int64_t trainable_parameter_count() const { return trainable_parameter_count_; }

  /// `masks`: structure by structure one byte per pixel. Returns the sample's index in its split. Throws kShapeMismatch
  /// (field `mask`).
  std::size_t add_segmentation_sample(Split split, const pipeline::PixelView& pixels, const std::uint8_t* masks,
                                      std::size_t size_bytes);
  std::size_t add_classification_sample(Split split, const pipeline::PixelView& pixels, std::int64_t label);

  /// Up to `steps` batches, ending early with the epoch. Throws kIllegalState (field `loss` or `gradient`) when one of
  /// these is not finite; the parameters are then those of the optimiser step before.
  StepResult train(std::int64_t steps);
  /// Training samples since the last optimiser step, or of the step that failed.
  const std::vector<std::size_t>& recent_samples() const { return recent_; }
  void set_learning_rate(double learning_rate);
  /// Measures the running statistics of batch norm anew with the weights as they are, on up to `batches` batches of
  /// training samples, the same at every call. Returns how many it took.
  std::int64_t measure_batch_norm(std::int64_t batches);
  /// Nothing when no embedding is kept: no store was given, or the encoder is trained or not used.
  std::optional<EmbeddingStoreStats> embedding_stats() const;
  /// Throws kIllegalState (field `loss`) when the model computes NaN or Inf for a sample.
  std::vector<SampleResult> evaluate(Split split);
  /// uint8 structures,height,width of the original image, 0 or 1; interactive systems get the true boxes.
  torch::Tensor predict_masks(Split split, std::size_t index);

  /// Parameters, optimiser, gathered gradients, random state, position in the epoch; atomic. Of a process group rank 0
  /// writes it, and the others return when it is there.
  void save_checkpoint(const std::string& path);
  void load_checkpoint(const std::string& path);
  /// The head's weights, and the whole base as trained; each unless null, atomic each. Throws kIllegalState for a head
  /// where there is none.
  void export_weights(const std::optional<std::string>& head_path, const std::optional<std::string>& base_path);
  /// Waits until every rank has called it; from then on the trainer works alone.
  void leave_process_group();

 private:
  SampleStore& store(Split split) { return *stores_[static_cast<std::size_t>(split)]; }
  const SampleStore& store(Split split) const { return *stores_[static_cast<std::size_t>(split)]; }
  std::vector<std::size_t> order_of(std::uint64_t epoch) const;
  /// On the CPU.
  static Batch collate(const std::vector<Sample>& samples);
  Batch on_device(Batch batch) const;
  /// Training samples as an epoch's augmentation shows them, on the CPU.
  Batch training_batch(const BatchPlan& plan) const;
  /// This rank's part of a whole batch of an epoch.
  BatchPlan plan_of(const std::vector<std::size_t>& order, std::uint64_t epoch, std::size_t begin) const;
  /// Has the batch made that is learned from next, if there is one.
  void prepare_next(std::size_t next);
  std::size_t end_of_batch(const std::vector<std::size_t>& order, std::size_t begin) const;
  /// Samples of a split as they are.
  Batch plain_batch(Split split, std::size_t begin, std::size_t count);
  /// One step of the optimiser, or a part of its gradients; returns the loss.
  double learn(const torch::Tensor& loss, bool last_of_epoch);
  void take_step();
  [[noreturn]] void fail_not_finite(const char* what, double value);
  /// Names everything that the kept embeddings depend on, beside the pixels that each is of.
  std::string embeddings_owner() const;
  void open_embeddings();
  void start_epoch();
  /// Samples that all ranks together learn from in a step.
  std::size_t whole_batch() const;
  std::vector<std::uint64_t> evaluation_seeds(std::size_t begin, std::size_t count) const;
  std::vector<std::vector<std::int64_t>> parameter_shapes();
  void save(torch::serialize::OutputArchive& archive);
  void load(torch::serialize::InputArchive& archive);

  TrainerOptions options_;
  torch::Device device_;
  models::SamConfig base_config_;
  std::optional<models::HeadConfig> head_config_;
  std::unique_ptr<System> system_;
  bool bfloat16_ = false;
  std::unique_ptr<EmbeddingStore> embeddings_;
  std::vector<torch::Tensor> trainable_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  std::array<std::unique_ptr<SampleStore>, 3> stores_;
  std::int64_t trainable_parameter_count_ = 0;
  std::uint64_t epoch_ = 0;
  std::size_t position_ = 0;        ///< samples of the epoch already used
  std::int64_t gathered_ = 0;       ///< batches whose gradients wait for the optimiser
  std::vector<std::size_t> order_;  ///< this epoch's permutation; empty between epochs
  std::vector<std::size_t> recent_;
  bool synchronised_ = false;               ///< with the other ranks, since the weights last came from a file
  std::unique_ptr<DataParallel> parallel_;  ///< null: the run is this process alone
  std::unique_ptr<BatchLoader> loader_;     ///< last: it reads the others
};

}  // namespace automed::train
