#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/between_steps.h"
#include "models/config.h"
#include "models/head.h"
#include "models/sam.h"

namespace automed::pipeline {

/// A base in memory: encoder, prompt encoder and decoder of SAM or SAM-Med2D, in eval mode, shared by all its heads.
class LoadedBase {
 public:
  /// Reads and checks the weights (strictly: every key, every shape). `architecture`: JSON of base.json's
  /// `architecture`. `packing`: on a CPU, whether weights are put in the order that its kernels read, and batch norms
  /// folded into convolutions. `precision`: of the encoder, float32 or what the device computes in by itself;
  /// embeddings are float32 whatever it is. Throws kDeviceUnavailable (field `precision`) rather than emulate.
  static std::shared_ptr<const LoadedBase> load(const std::string& weights_path, const std::string& architecture,
                                                torch::Device device, nn::PackPolicy packing = nn::PackPolicy::kAlways,
                                                torch::Dtype precision = torch::kFloat32);

  /// Normalised images B,3,S,S -> embeddings B,C,g,g on the base's device, of the rows that `keep` does not let go.
  torch::Tensor encode(const torch::Tensor& images, const models::KeepRows& keep = {}) const;

  /// By the published names, float16 on the CPU.
  using DecoderWeights = std::vector<std::pair<std::string, torch::Tensor>>;
  /// Weights of the prompt encoder and the mask decoder, 8 MB of SAM's, copied before they were packed. Throws
  /// kNonFiniteOutput where float16 cannot hold them.
  const DecoderWeights& decoder_weights() const;

  models::Sam sam() const { return sam_; }
  const models::SamConfig& config() const { return config_; }
  torch::Device device() const { return device_; }
  std::int64_t parameter_count() const { return parameter_count_; }
  torch::Dtype precision() const { return precision_; }
  nn::PackPolicy packing() const { return packing_; }

  LoadedBase(models::Sam sam, models::SamConfig config, torch::Device device,
             nn::PackPolicy packing = nn::PackPolicy::kNever, torch::Dtype precision = torch::kFloat32);

 private:
  models::Sam sam_;
  models::SamConfig config_;
  torch::Device device_;
  std::int64_t parameter_count_;
  nn::PackPolicy packing_;
  torch::Dtype precision_;
  DecoderWeights decoder_weights_;
};

enum class Task { kSegmentation, kClassification };

/// A head in memory, in eval mode, on its base.
class LoadedModel {
 public:
  /// `architecture`: JSON of model.json's `architecture`. `preprocessing`: JSON with `fit`, `channels`, `resize`;
  /// absent: the base's.
  static std::shared_ptr<const LoadedModel> load(const std::shared_ptr<const LoadedBase>& base,
                                                 const std::string& weights_path, const std::string& architecture,
                                                 const std::optional<std::string>& preprocessing = std::nullopt);

  /// Normalised images B,3,S,S on the CPU -> for segmentation mask logits B,K,S,S of the model's K structures, for
  /// classification probabilities B,classes; float32 on the CPU. Values may be NaN or Inf (see finite.h); a row of
  /// probabilities is NaN throughout where any of its logits is.
  torch::Tensor infer(const torch::Tensor& images) const {
    return infer(images, config_.uses_embedding() ? base_->encode(images) : torch::Tensor());
  }
  /// The same with embeddings B,C,g,g that the base's encoder made of the images; undefined where the head does not use
  /// them.
  torch::Tensor infer(const torch::Tensor& images, const torch::Tensor& embeddings,
                      const BetweenSteps& between = {}) const;

  /// Where the evidence for a class was found, of one normalised image 1,3,S,S and its embedding: h,w float32 on the
  /// CPU, how much the log-odds of the class fall when a place of the grid is left out of the average pooling (negative
  /// where the place speaks against it). `target`: index of the class; absent: the most probable. Classification only.
  struct Saliency {
    std::int64_t target = 0;
    torch::Tensor map;
  };
  Saliency saliency(const torch::Tensor& image, const torch::Tensor& embedding,
                    std::optional<std::int64_t> target) const;

  Task task() const { return config_.segments() ? Task::kSegmentation : Task::kClassification; }
  const models::HeadConfig& config() const { return config_; }
  /// How its images are prepared.
  const models::Preprocessing& preprocessing() const { return preprocessing_; }
  const LoadedBase& base() const { return *base_; }
  std::int64_t parameter_count() const { return parameter_count_; }

  LoadedModel(std::shared_ptr<const LoadedBase> base, models::Head head, models::HeadConfig config,
              const models::Preprocessing& preprocessing);

 private:
  std::shared_ptr<const LoadedBase> base_;
  models::Head head_;
  models::HeadConfig config_;
  models::Preprocessing preprocessing_;
  std::int64_t parameter_count_;
};

/// Name of a task on the JavaScript side: `segmentation`, `classification`.
const char* name_of(Task task);

std::int64_t count_parameters(const torch::nn::Module& module);

/// Writes the randomly initialised weights of a base: same seed, same bytes. `architecture`: that of base.json. Returns
/// the number of parameters.
std::int64_t init_base(const std::string& architecture, std::uint64_t seed, const std::string& weights_path);

}  // namespace automed::pipeline
