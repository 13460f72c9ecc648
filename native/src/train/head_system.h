#pragma once

#include <optional>
#include <string>

#include "models/config.h"
#include "models/head.h"
#include "train/system.h"

namespace automed::train {

/// Where a head's first weights come from; absent: random, its mask decoder's from the base.
struct HeadStart {
  std::optional<std::string> head_weights_path;
  /// A model of either task whose MobileNet is taken over.
  std::optional<std::string> backbone_weights_path;
};

/// A head on a base. SAM-AutoMed learns from focal + dice loss of its logits at the input's size (paper, Eq. 1; the
/// mean over its structures), AutoSAM from its own loss at the decoder's size, SAM-MedCls from cross-entropy. The
/// prompt encoder is never trained; AutoSAM trains nothing of its base.
class HeadSystem : public System {
 public:
  /// Throws kInvalidArgument (field `train`) when the encoder is to be trained and the head is AutoSAM or does not
  /// use it, and what reading weights throws.
  HeadSystem(models::Sam base, const models::HeadConfig& config, TrainedPart train, const HeadStart& start,
             double batch_norm_momentum);

  Modules modules() override;
  void set_training(bool training) override;
  void learn(const Batch& batch, std::uint64_t seed, const Learn& learn) override;
  Evaluation evaluate(const Batch& batch, const std::vector<std::uint64_t>& seeds) override;
  void observe(const Batch& batch) override;
  bool can_keep_embeddings() const override { return config_.uses_embedding() && !trains_encoder(); }
  void export_weights(const std::optional<std::string>& head_path,
                      const std::optional<std::string>& base_path) override;

 private:
  void load_backbone(const std::string& weights_path);
  /// Float32, whatever the precision of the scope.
  torch::Tensor forward(const Batch& batch);
  torch::Tensor loss_of(const torch::Tensor& output, const torch::Tensor& target) const;
  torch::Tensor full_size(const torch::Tensor& output) const;

  models::HeadConfig config_;
  models::Head head_;
};

}  // namespace automed::train
