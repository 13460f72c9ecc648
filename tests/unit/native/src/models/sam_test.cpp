#include "models/sam.h"

#include <set>

#include "core/checkpoint.h"
#include "models/sam_automed.h"
#include "models/sam_medcls.h"
#include "support/native_test.h"

namespace {

using automed::ErrorCode;
using automed::models::HeadConfig;
using automed::models::Sam;
using automed::test::error_of;

Sam tiny() {
  return Sam(automed::models::named_sam_config("tiny"));
}

HeadConfig head(HeadConfig::Kind kind) {
  return {.kind = kind, .mobilenet = {.width = 0.35}, .attention = true, .classes = 3};
}

std::int64_t parameter_count(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

}  // namespace

TEST("SAM: the full-size SAM-Med2D has the published number of names and parameters") {
  const Sam model(automed::models::named_sam_config("sam-med2d-vit-b"));
  CHECK(automed::state_dict(*model).size() == 386);
  CHECK(parameter_count(*model->prompt_encoder) == 6220);
  CHECK(std::abs(parameter_count(*model->mask_decoder) / 1e6 - 4.058) < 1e-3);
  CHECK(std::abs(parameter_count(*model->image_encoder) / 1e6 - 267.177) < 1e-3);
}

TEST("SAM: a fresh model starts as published, with zero position tables and live adapters") {
  const Sam model = tiny();
  for (const auto& [name, tensor] : automed::state_dict(*model)) {
    const bool table = name.find("rel_pos") != std::string::npos || name.ends_with("pos_embed");
    CHECK((tensor.abs().max().item<float>() == 0) ==
          (table || (name.find("norm") != std::string::npos && name.ends_with("bias")) ||
           name.ends_with("neck.1.bias") || name.ends_with("neck.3.bias") || name.ends_with("downscaling.1.bias") ||
           name.ends_with("downscaling.4.bias") || name.ends_with("output_upscaling.1.bias")));
  }
}

TEST("SAM: one embedding serves several prompts, as if it were repeated") {
  torch::NoGradGuard no_grad;
  Sam model = tiny();
  model->eval();
  const torch::Tensor embedding = torch::randn({1, 64, 16, 16});
  const torch::Tensor boxes = torch::tensor({{10.f, 20.f, 100.f, 120.f}, {5.f, 5.f, 50.f, 60.f}});
  const auto prompt = model->prompt_encoder->forward(std::nullopt, boxes, std::nullopt);
  const torch::Tensor pe = model->prompt_encoder->dense_pe();
  const auto shared = model->mask_decoder->forward(embedding, pe, prompt.sparse, prompt.dense, true);
  const auto repeated =
      model->mask_decoder->forward(embedding.repeat({2, 1, 1, 1}), pe, prompt.sparse, prompt.dense, true);
  CHECK(shared.masks.sizes() == torch::IntArrayRef({2, 3, 64, 64}));
  CHECK(automed::test::max_difference(shared.masks, repeated.masks) < 1e-5);
  CHECK(automed::test::max_difference(shared.iou, repeated.iou) < 1e-5);
}

TEST("SAM: prompts of the wrong shape are refused by name") {
  Sam model = tiny();
  auto& encoder = model->prompt_encoder;
  const auto field = [&](auto points, auto boxes, auto masks) {
    return error_of(ErrorCode::kShapeMismatch, [&] { encoder->forward(points, boxes, masks); }).field().value_or("");
  };
  using Points = std::optional<automed::models::PointPrompt>;
  using Tensor = std::optional<torch::Tensor>;
  CHECK(field(Points(), Tensor(torch::zeros({4})), Tensor()) == "boxes");
  CHECK(field(Points(), Tensor(), Tensor(torch::zeros({1, 1, 32, 32}))) == "masks");
  CHECK(field(Points({torch::zeros({1, 2}), torch::zeros({1})}), Tensor(), Tensor()) == "points");
  CHECK(field(Points({torch::zeros({1, 2, 2}), torch::zeros({1, 3})}), Tensor(), Tensor()) == "labels");
  CHECK(field(Points({torch::zeros({2, 1, 2}), torch::zeros({2, 1})}), Tensor(torch::zeros({3, 4})), Tensor()) ==
        "boxes");
  const auto prompt = encoder->forward(std::nullopt, torch::zeros({3, 4}), std::nullopt);
  error_of(ErrorCode::kShapeMismatch, [&] {
    model->mask_decoder->forward(torch::zeros({2, 64, 16, 16}), encoder->dense_pe(), prompt.sparse, prompt.dense,
                                 false);
  });
}

TEST("SAM-AutoMed: gradients reach every weight of the head that one mask uses, and none of the prompt encoder") {
  Sam base = tiny();
  automed::models::SamAutoMed model(base->config(), head(HeadConfig::Kind::kSamAutoMed));
  const torch::Tensor image = torch::randn({2, 3, 256, 256});
  torch::Tensor embedding;
  {
    torch::NoGradGuard no_grad;
    embedding = base->image_encoder->forward(image);
  }
  const torch::Tensor logits = model->forward(image, embedding, base);
  CHECK(logits.sizes() == torch::IntArrayRef({2, 1, 64, 64}));
  logits.square().mean().backward();
  for (const auto& item : model->named_parameters()) {
    const bool unused = item.key().find("iou_prediction_head") != std::string::npos ||
                        item.key().find("hypernetworks_mlps.1") != std::string::npos ||
                        item.key().find("hypernetworks_mlps.2") != std::string::npos ||
                        item.key().find("hypernetworks_mlps.3") != std::string::npos;
    if (item.value().grad().defined() == unused) throw automed::test::Failure("gradient of " + item.key());
  }
  for (const auto& parameter : base->parameters()) CHECK(!parameter.grad().defined());
}

TEST("SAM-AutoMed: with a trainable encoder the gradient reaches its first layer and its adapters") {
  Sam base = tiny();
  automed::models::SamAutoMed model(base->config(), head(HeadConfig::Kind::kSamAutoMed));
  const torch::Tensor image = torch::randn({1, 3, 256, 256});
  model->forward(image, base->image_encoder->forward(image), base).square().mean().backward();
  for (const auto& item : base->image_encoder->named_parameters()) {
    if (!item.value().grad().defined()) throw automed::test::Failure("no gradient of " + item.key());
  }
}

TEST("SAM-MedCls: dropout and batch norm act in training only") {
  automed::models::SamMedCls model(automed::models::named_sam_config("tiny"), head(HeadConfig::Kind::kSamMedCls));
  const torch::Tensor image = torch::randn({2, 3, 256, 256});
  const torch::Tensor embedding = torch::randn({2, 64, 16, 16});
  model->train();
  const torch::Tensor first = model->forward(image, embedding);
  CHECK(first.sizes() == torch::IntArrayRef({2, 3}));
  CHECK(automed::test::max_difference(first, model->forward(image, embedding)) > 0);
  model->eval();
  const torch::Tensor once = model->forward(image, embedding);
  CHECK(automed::test::max_difference(once, model->forward(image, embedding)) == 0);
}
