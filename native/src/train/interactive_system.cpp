#include "train/interactive_system.h"

#include <array>

#include "core/checkpoint.h"
#include "core/error.h"
#include "core/safetensors.h"
#include "train/losses.h"

namespace automed::train {
namespace {

constexpr int kRounds = 8;
constexpr std::array<std::int64_t, 4> kCorrections = {1, 3, 5, 9};

}  // namespace

InteractiveSystem::InteractiveSystem(models::Sam base, TrainedPart train) : System(std::move(base), train) {
  for (auto& parameter : base_->prompt_encoder->parameters()) parameter.set_requires_grad(true);
  for (auto& parameter : base_->mask_decoder->parameters()) parameter.set_requires_grad(true);
}

System::Modules InteractiveSystem::modules() {
  Modules modules = {{"prompt_encoder", base_->prompt_encoder.get()}, {"mask_decoder", base_->mask_decoder.get()}};
  if (trains_encoder()) modules.emplace_back("encoder", base_->image_encoder.get());
  return modules;
}

void InteractiveSystem::set_training(bool training) {
  base_->train(training);
}

InteractiveSystem::Predictions InteractiveSystem::predict(const torch::Tensor& embedding, const Prompt& prompt) {
  const auto prompts = base_->prompt_encoder->forward(prompt.points, prompt.boxes, prompt.masks);
  const torch::Tensor pe = base_->prompt_encoder->dense_pe();
  const bool answers_single = !base_->config().encoder.adapter;
  const std::int64_t first = answers_single ? 1 : 0;  // of the three
  const auto predicted = answers_single ? base_->mask_decoder->all_masks(embedding, pe, prompts.sparse, prompts.dense)
                                        : base_->mask_decoder->forward(embedding, pe, prompts.sparse, prompts.dense,
                                                                       /*multimask=*/true);
  const auto size = base_->config().encoder.image_size;
  const auto choose = [&](const torch::Tensor& token) {  // N
    const torch::Tensor row = torch::arange(token.size(0), token.options());
    Prediction chosen;
    chosen.low_res = predicted.masks.index({row, token}).unsqueeze(1).to(torch::kFloat32);  // N,1,4g,4g
    chosen.iou = predicted.iou.index({row, token}).to(torch::kFloat32);
    chosen.logits = at::upsample_bilinear2d(chosen.low_res, {size, size}, /*align_corners=*/false);
    return chosen;
  };
  const torch::Tensor best = predicted.iou.slice(1, first).argmax(1) + first;  // N
  Predictions result{choose(best), std::nullopt};
  if (answers_single) result.single = choose(torch::zeros_like(best));
  return result;
}

torch::Tensor InteractiveSystem::loss_of(const Predictions& predictions, const torch::Tensor& target) const {
  const auto& [best, single] = predictions;
  const torch::Tensor loss = interactive_loss(best.logits, target, best.iou);
  return single ? (loss + interactive_loss(single->logits, target, single->iou)) / 2 : loss;
}

void InteractiveSystem::learn(const Batch& batch, std::uint64_t seed, const Learn& learn) {
  Random random(seed);
  const std::int64_t size = base_->config().encoder.image_size;
  const torch::Tensor target = batch.target.flatten(0, 1).unsqueeze(1);  // B*K,1,S,S
  // The decoder wants one embedding for each prompt.
  const torch::Tensor embedding = encode(batch).repeat_interleave(batch.target.size(1), 0);
  Prompt prompt;
  if (random.uniform() < 0.5) {
    prompt.boxes = jitter_boxes(box_prompts(target), size, random);
  } else {
    prompt.points = point_prompts(target, random);
  }
  Predictions predicted = predict(embedding, prompt);
  learn(loss_of(predicted, target));

  const torch::Tensor fixed = embedding.detach();
  const auto silent = 1 + static_cast<int>(random.below(kRounds - 2));
  for (int round = 0; round < kRounds; ++round) {
    Prompt next;
    next.masks = base_->mask_prompt(predicted.best.low_res).detach();
    if (round != silent && round != kRounds - 1) {
      const std::int64_t count = kCorrections[random.below(kCorrections.size())];
      next.points = correction_points(predicted.best.logits.detach() > 0, target, count, random);
    }
    predicted = predict(fixed, next);
    learn(loss_of(predicted, target));
  }
}

Evaluation InteractiveSystem::evaluate(const Batch& batch, const std::vector<std::uint64_t>& seeds) {
  const torch::NoGradGuard no_grad;
  const std::int64_t structures = batch.target.size(1);
  const torch::Tensor target = batch.target.flatten(0, 1).unsqueeze(1);  // B*K,1,S,S
  const torch::Tensor embedding = encode(batch).repeat_interleave(structures, 0);
  std::vector<torch::Tensor> coords, labels, losses;
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    Random random(seeds[i]);  // an image's points do not depend on the batch that it is in
    const auto first = static_cast<std::int64_t>(i) * structures;
    const auto points = point_prompts(target.narrow(0, first, structures), random);
    coords.push_back(points.coords);
    labels.push_back(points.labels);
  }
  Prompt box, point;
  box.boxes = box_prompts(target);
  point.points = models::PointPrompt{torch::cat(coords), torch::cat(labels)};
  const Prediction from_box = predict(embedding, box).best;
  const Prediction from_point = predict(embedding, point).best;
  for (std::int64_t first = 0; first < target.size(0); first += structures) {
    const auto of = [&](const torch::Tensor& x) { return x.narrow(0, first, structures); };
    losses.push_back(interactive_loss(of(from_box.logits), of(target), of(from_box.iou)));
  }
  return {from_box.logits.view_as(batch.target), torch::stack(losses), from_point.logits.view_as(batch.target)};
}

void InteractiveSystem::export_weights(const std::optional<std::string>& head_path,
                                       const std::optional<std::string>& base_path) {
  if (head_path) throw Error(ErrorCode::kIllegalState, "a run that trains a base has no head to write");
  if (base_path) save_safetensors(*base_path, base_weights());
}

}  // namespace automed::train
