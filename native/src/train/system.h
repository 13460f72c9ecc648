#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/checkpoint.h"
#include "core/safetensors.h"
#include "models/sam.h"
#include "train/embedding_store.h"

namespace automed::train {

/// What a run trains: the head alone (of an interactive system prompt encoder and mask decoder), with it the adapters
/// of the base's image encoder, or all of the encoder. The API's `TrainedPart`.
enum class TrainedPart { kHead, kAdapters, kEncoder };

struct Batch {
  torch::Tensor images;  ///< B,3,S,S normalised
  torch::Tensor target;  ///< masks B,K,S,S float32 of 0 and 1, or classes B int64
  /// Of each image, where its embedding may be kept; empty where the augmentation never gives the same image again.
  std::vector<EmbeddingKey> keys;
};

/// What the weights make of a batch, without gradients.
struct Evaluation {
  torch::Tensor output;  ///< mask logits B,K,S,S or class logits B,classes
  torch::Tensor loss;    ///< B
  torch::Tensor point;   ///< interactive systems: the mask logits from one point prompt; undefined otherwise
};

/// What a run trains: a head on a base, or the base itself. It knows the model and its losses; samples, order,
/// optimiser and checkpoints are the Trainer's.
class System {
 public:
  /// Takes one optimiser step on a scalar loss (or gathers its gradients for a later one).
  using Learn = std::function<void(const torch::Tensor& loss)>;
  /// Modules that training changes, under their names in a checkpoint.
  using Modules = std::vector<std::pair<std::string, torch::nn::Module*>>;

  /// `base`: its weights loaded, on its device. Throws kInvalidArgument (field `train`) when there are no adapters to
  /// train.
  System(models::Sam base, TrainedPart train);
  virtual ~System() = default;
  System(const System&) = delete;
  System& operator=(const System&) = delete;

  std::vector<torch::Tensor> trainable_parameters();
  virtual Modules modules() = 0;
  virtual void set_training(bool training) = 0;

  /// Learns from one batch, calling `learn` once for each optimiser step. Everything random comes from `seed`.
  virtual void learn(const Batch& batch, std::uint64_t seed, const Learn& learn) = 0;
  /// `seeds`, one for each image, decide what a prompt points at, where there are prompts.
  virtual Evaluation evaluate(const Batch& batch, const std::vector<std::uint64_t>& seeds) = 0;

  /// Passes a batch through every layer that has running statistics, without gradients. Nothing by default: SAM has
  /// none.
  virtual void observe(const Batch& /*batch*/) {}

  /// Whether embeddings of the images are needed and never change.
  virtual bool can_keep_embeddings() const { return !trains_encoder(); }
  /// Puts the weights of a frozen encoder in the order that a CPU's kernels read, in place of the plain ones, which an
  /// export takes from `file` again, the base's. Nothing happens where `can_keep_embeddings` is false or on a GPU.
  void pack_encoder(const SafetensorsFile& file, nn::PackPolicy policy);
  /// The store must outlive the system's last batch.
  void keep_embeddings(EmbeddingStore* store) { embeddings_ = store; }

  /// Writes the head, where there is one, and unless null the whole base; atomic each.
  virtual void export_weights(const std::optional<std::string>& head_path,
                              const std::optional<std::string>& base_path) = 0;

 protected:
  /// B,C,g,g float32; with gradients only when some of the encoder is trained.
  torch::Tensor encode(const Batch& batch);
  bool trains_encoder() const { return train_ != TrainedPart::kHead; }
  /// The whole base as it is stored, whatever order its weights are in.
  NamedTensors base_weights() const;

  models::Sam base_;

 private:
  torch::Tensor encode_frozen(const Batch& batch);

  TrainedPart train_;
  EmbeddingStore* embeddings_ = nullptr;
  std::optional<SafetensorsFile> plain_;  ///< where the encoder's weights are packed
};

}  // namespace automed::train
