#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "models/config.h"
#include "models/sam.h"
#include "models/sam_automed.h"
#include "models/sam_medcls.h"
#include "pipeline/loaded_model.h"
#include "train/augment.h"
#include "train/sample_store.h"

namespace automed::train {

enum class Split { kTrain, kValidation, kTest };
enum class OptimizerKind { kAdam, kAdamW };

struct TrainerOptions {
  std::string device = "cpu";
  pipeline::Task task = pipeline::Task::kSegmentation;
  std::string base_architecture;
  std::string base_weights_path;
  std::string head_architecture;
  std::optional<std::string> head_weights_path;  ///< absent: random, decoder copied from the base
  /// Weights of a model of either task whose MobileNet the run starts from; absent: the head's own.
  std::optional<std::string> backbone_weights_path;
  bool train_encoder = false;
  std::uint64_t seed = 0;
  OptimizerKind optimizer = OptimizerKind::kAdam;
  double learning_rate = 1e-4;
  double weight_decay = 0;  ///< L2 for Adam, decoupled for AdamW
  std::int64_t batch_size = 2;
  AugmentOptions augment;
  double batch_norm_momentum = 0.1;
  std::string cache_path;
};

struct StepResult {
  std::int64_t steps = 0;
  std::int64_t images = 0;
  double loss = 0;  ///< mean over the steps
  bool epoch_done = false;
};

struct SampleResult {
  std::size_t index = 0;
  double loss = 0;
  std::optional<double> dice;  ///< segmentation, at the original size
  std::optional<double> iou;
  torch::Tensor probabilities;  ///< classification, float32 classes; undefined otherwise
  std::optional<std::int64_t> label;
};

/// One training run: samples, augmentation, model, optimiser and random state. Synchronous; the caller gives it one
/// thread. SAM-AutoMed learns from focal + dice loss of the 256 px logits (paper, Eq. 1), SAM-MedCls from
/// cross-entropy. The encoder runs without gradients unless `train_encoder`; the prompt encoder is never trained.
class Trainer {
 public:
  explicit Trainer(TrainerOptions options);

  std::int64_t trainable_parameter_count() const { return trainable_parameter_count_; }

  /// `mask`: one byte per pixel. Returns the sample's index in its split.
  std::size_t add_segmentation_sample(Split split, const pipeline::PixelView& pixels, const std::uint8_t* mask);
  std::size_t add_classification_sample(Split split, const pipeline::PixelView& pixels, std::int64_t label);

  /// Up to `steps` optimiser steps, ending early with the epoch. Throws kIllegalState when the loss is not finite; the
  /// parameters are then those of the step before.
  StepResult train(std::int64_t steps);
  void set_learning_rate(double learning_rate);
  std::vector<SampleResult> evaluate(Split split);
  /// uint8 height,width of the original image, 0 or 1.
  torch::Tensor predict_mask(Split split, std::size_t index);

  /// Parameters, optimiser, random state, position in the epoch; atomic.
  void save_checkpoint(const std::string& path);
  void load_checkpoint(const std::string& path);
  /// The head's weights and, unless null, the whole base with the encoder as trained; atomic each.
  void export_weights(const std::string& head_path, const std::optional<std::string>& base_path);

 private:
  struct Batch {
    torch::Tensor images;  ///< B,3,S,S
    torch::Tensor target;  ///< B,1,S,S float32, or B int64
  };

  SampleStore& store(Split split) { return *stores_[static_cast<std::size_t>(split)]; }
  Batch collate(const std::vector<Sample>& samples) const;
  torch::Tensor forward(const torch::Tensor& images);
  torch::Tensor loss_of(const torch::Tensor& output, const torch::Tensor& target) const;
  void start_epoch();
  void set_training(bool training);
  std::vector<torch::Tensor> trainable_parameters();
  torch::nn::Module& head_module();
  void load_backbone(const std::string& weights_path);
  std::vector<std::vector<std::int64_t>> parameter_shapes();
  void save(torch::serialize::OutputArchive& archive);
  void load(torch::serialize::InputArchive& archive);

  TrainerOptions options_;
  torch::Device device_;
  models::SamConfig base_config_;
  models::HeadConfig head_config_;
  models::Sam base_{nullptr};
  std::variant<models::SamAutoMed, models::SamMedCls> head_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  std::array<std::unique_ptr<SampleStore>, 3> stores_;
  std::int64_t trainable_parameter_count_ = 0;
  std::uint64_t epoch_ = 0;
  std::size_t position_ = 0;        ///< samples of the epoch already used
  std::vector<std::size_t> order_;  ///< this epoch's permutation; empty between epochs
};

}  // namespace automed::train
