#pragma once

#include <optional>
#include <string>

#include "train/prompts.h"
#include "train/system.h"

namespace automed::train {

/// SAM or SAM-Med2D itself, trained to follow prompts as SAM-Med2D is: a box or one point first, then eight rounds on
/// the same embedding, each with its own previous mask and 1, 3, 5 or 9 correction points as prompts; one random round
/// and the last get no new points. Of the three masks the one with the highest predicted IoU counts. The prompt encoder
/// and the mask decoder are trained, and of the image encoder what `train` says; the encoder learns in the first pass
/// only.
///
/// SAM's single mask, which it answers with when one mask is asked for, has a token of its own (SAM, appendix A). A
/// base without adapters answers so, hence its single mask learns beside the best of three, from the same prompts and
/// with the same loss; SAM-Med2D always takes the best of three and never trains the token.
///
/// Differences from the published code: its loop wraps three of the point embeddings anew in every pass, so that its
/// optimiser never trains them; here they are trained. It also runs the prompt encoder without gradients in the
/// correction rounds, so that what reads mask prompts is never trained; here it is. A base without adapters, SAM's, is
/// given its previous mask as logits, as SAM reads it.
class InteractiveSystem : public System {
 public:
  InteractiveSystem(models::Sam base, TrainedPart train);

  Modules modules() override;
  void set_training(bool training) override;
  void learn(const Batch& batch, std::uint64_t seed, const Learn& learn) override;
  /// `output` and `loss` are those of the true masks' boxes, `point` the masks from one foreground point each.
  Evaluation evaluate(const Batch& batch, const std::vector<std::uint64_t>& seeds) override;
  void export_weights(const std::optional<std::string>& head_path,
                      const std::optional<std::string>& base_path) override;

 private:
  struct Prompt {
    std::optional<models::PointPrompt> points;
    std::optional<torch::Tensor> boxes;
    std::optional<torch::Tensor> masks;  ///< N,1,4g,4g
  };
  struct Prediction {
    torch::Tensor low_res;  ///< N,1,4g,4g
    torch::Tensor logits;   ///< N,1,S,S
    torch::Tensor iou;      ///< N
  };
  /// The best of three by predicted IoU; of a base without adapters also the single mask.
  struct Predictions {
    Prediction best;
    std::optional<Prediction> single;
  };

  Predictions predict(const torch::Tensor& embedding, const Prompt& prompt);
  torch::Tensor loss_of(const Predictions& predictions, const torch::Tensor& target) const;
};

}  // namespace automed::train
