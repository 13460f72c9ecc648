#include "train/precision.h"

#include <cmath>

#include "core/checkpoint.h"
#include "models/head.h"
#include "support/native_test.h"
#include "train/head_system.h"
#include "train/interactive_system.h"

namespace automed::train {
namespace {

constexpr const char* kMicroBase =
    R"({"image_size":64,"patch_size":16,"embed_dim":32,"depth":2,"heads":2,"window_size":3,"global_blocks":[1],)"
    R"("out_channels":16,"adapter":true,)"
    R"("decoder":{"depth":2,"heads":2,"mlp_dim":32,"iou_hidden":16,"multimask_outputs":3}})";

const torch::Device kCpu(torch::kCPU);

Batch micro_batch(bool segments) {
  torch::manual_seed(3);
  Batch batch{torch::randn({4, 3, 64, 64}), torch::zeros({4, 1, 64, 64}), {}};
  batch.target.slice(2, 10, 30).slice(3, 20, 50).fill_(1);
  if (!segments) batch.target = torch::tensor({0, 1, 2, 1}, torch::kInt64);
  return batch;
}

/// The losses of one batch, after each of which the system could take a step.
std::vector<double> losses_of(System& system, bool segments, bool reduced) {
  std::vector<double> losses;
  system.set_training(true);
  const Autocast precision(kCpu, reduced);
  system.learn(micro_batch(segments), 5, [&](const torch::Tensor& loss) {
    CHECK(loss.dtype() == torch::kFloat32);
    const Autocast float32(kCpu, false);
    loss.backward();
    losses.push_back(loss.item<double>());
  });
  for (const auto& parameter : system.trainable_parameters()) {
    if (parameter.grad().defined()) CHECK(parameter.grad().dtype() == torch::kFloat32);
  }
  return losses;
}

std::unique_ptr<System> micro_system(const std::string& head, TrainedPart train) {
  torch::manual_seed(1);
  models::Sam base(models::parse_sam_config(kMicroBase));
  if (head.empty()) return std::make_unique<InteractiveSystem>(base, train);
  return std::make_unique<HeadSystem>(base, models::parse_head_config(head), train, HeadStart{}, 0.1);
}

TEST("computes products in bfloat16 within its scope only, and not where it is turned off inside") {
  const auto x = torch::ones({4, 4});
  CHECK(torch::matmul(x, x).dtype() == torch::kFloat32);
  {
    const Autocast on(kCpu, true);
    CHECK(torch::matmul(x, x).dtype() == torch::kBFloat16);
    {
      const Autocast off(kCpu, false);
      CHECK(torch::matmul(x, x).dtype() == torch::kFloat32);
    }
    CHECK(torch::matmul(x, x).dtype() == torch::kBFloat16);
  }
  CHECK(torch::matmul(x, x).dtype() == torch::kFloat32);
}

TEST("gives losses, gradients and statistics in float32 in mixed precision, near those of float32") {
  const std::string mobilenet = R"("mobilenet":{"width":0.25,"se":"improved"})";
  const struct {
    std::string head;
    bool segments;
    TrainedPart train;
  } cases[] = {
      {R"({"kind":"sam-automed",)" + mobilenet + "}", true, TrainedPart::kEncoder},
      {R"({"kind":"sam-medcls","attention":true,"classes":3,)" + mobilenet + "}", false, TrainedPart::kHead},
      {R"({"kind":"autosam","hardnet":{"width":0.1,"block_layers":4,"input_size":64}})", true, TrainedPart::kHead},
      {"", true, TrainedPart::kAdapters}};
  for (const auto& [head, segments, train] : cases) {
    const auto exact = losses_of(*micro_system(head, train), segments, false);
    const auto system = micro_system(head, train);
    const auto reduced = losses_of(*system, segments, true);
    CHECK(exact.size() == reduced.size());
    // AutoSAM's loss jumps with the one pixel that is stretched to 0, the interactive one with the mask that is chosen.
    const bool smooth = head.find("mobilenet") != std::string::npos;
    if (smooth && std::abs(reduced.front() - exact.front()) >= 0.05 * std::abs(exact.front())) {
      throw test::Failure(head + ": " + std::to_string(reduced.front()) + " for " + std::to_string(exact.front()));
    }
    for (const double loss : reduced) CHECK(std::isfinite(loss));
    for (const auto& [name, module] : system->modules()) {
      for (const auto& [tensor_name, tensor] : state_dict(*module)) CHECK(tensor.dtype() != torch::kBFloat16);
    }
  }
}

TEST("takes bf16 where the device computes in it, and refuses it elsewhere") {
  CHECK(!parse_training_precision("float32", kCpu));
  CHECK(parse_training_precision("auto", kCpu) == computes_in_bfloat16(kCpu));
  CHECK(test::error_of(ErrorCode::kInvalidArgument, [] { parse_training_precision("half", kCpu); }).field() ==
        "precision");
  if (computes_in_bfloat16(kCpu)) {
    CHECK(parse_training_precision("bf16", kCpu));
  } else {
    const auto error = test::error_of(ErrorCode::kDeviceUnavailable, [] { parse_training_precision("bf16", kCpu); });
    CHECK(error.field() == "precision");
  }
}

}  // namespace
}  // namespace automed::train
