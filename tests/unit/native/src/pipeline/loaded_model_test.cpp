#include "pipeline/loaded_model.h"

#include "core/checkpoint.h"
#include "core/device.h"
#include "core/safetensors.h"
#include "pipeline/prompts.h"
#include "support/native_test.h"

namespace automed::pipeline {
namespace {

constexpr const char* kBase =
    R"({"image_size":128,"patch_size":16,"embed_dim":64,"depth":2,"heads":2,"window_size":3,"global_blocks":[1],)"
    R"("out_channels":32,"adapter":true,)"
    R"("decoder":{"depth":2,"heads":2,"mlp_dim":64,"iou_hidden":32,"multimask_outputs":3}})";

std::string base_file(const test::TemporaryFolder& folder) {
  const std::string path = folder.file("base.safetensors");
  init_base(kBase, 5, path);
  return path;
}

double relative_distance(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

/// Norms as a training leaves them: with fresh ones folding would be trivial.
void disturb(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (auto& item : module.named_buffers()) {
    if (item.key().ends_with("running_mean")) item.value().normal_(0, 0.2);
    if (item.key().ends_with("running_var")) item.value().uniform_(0.5, 2);
  }
}

TEST("a model prepared for inference answers as its plain weights do, whatever its system") {
  const test::TemporaryFolder folder;
  const auto weights = base_file(folder);
  const auto plain = LoadedBase::load(weights, kBase, torch::kCPU, nn::PackPolicy::kNever);
  const auto packed = LoadedBase::load(weights, kBase, torch::kCPU, nn::PackPolicy::kAlways);
  const torch::Tensor images = torch::randn({2, 3, 128, 128});
  CHECK(relative_distance(packed->encode(images), plain->encode(images)) < 1e-5);
  for (const auto& name : models::head_config_names()) {
    const auto config = models::named_head_config(name, plain->config(), 3);
    auto head = models::bare_head(config, plain->config());
    disturb(models::module_of(head));
    const std::string path = folder.file(name + ".safetensors");
    save_safetensors(path, state_dict(models::module_of(head)));
    const auto expected = LoadedModel::load(plain, path, models::to_json(config));
    const auto found = LoadedModel::load(packed, path, models::to_json(config));
    CHECK(found->parameter_count() == expected->parameter_count());
    const double distance = relative_distance(found->infer(images), expected->infer(images));
    if (!(distance < 1e-4)) throw test::Failure(name + " is off by " + std::to_string(distance));
  }
}

TEST("prompts on a packed base are answered as on a plain one, in batches too") {
  const test::TemporaryFolder folder;
  const auto weights = base_file(folder);
  const auto plain = LoadedBase::load(weights, kBase, torch::kCPU, nn::PackPolicy::kNever);
  const auto packed = LoadedBase::load(weights, kBase, torch::kCPU, nn::PackPolicy::kAlways);
  const Embedding embedding{plain->encode(torch::randn({1, 3, 128, 128})), place_image(128, 128, 128)};
  for (const std::int64_t boxes : {1, 5}) {
    Prompts prompts;
    prompts.boxes = torch::tensor({{8.F, 9.F, 70.F, 90.F}}).repeat({boxes, 1}) + torch::arange(boxes).unsqueeze(1);
    prompts.multimask = true;
    const auto expected = predict_masks(*plain, embedding, prompts, 0.5);
    const auto found = predict_masks(*packed, embedding, prompts, 0.5);
    CHECK(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(relative_distance(found[i].low_res, expected[i].low_res) < 1e-4);
      CHECK(std::abs(found[i].predicted_iou - expected[i].predicted_iou) < 1e-4);
    }
  }
}

TEST(
    "an encoder in bfloat16 is close to that in float32, and its embedding is float32; without hardware it is "
    "refused") {
  const test::TemporaryFolder folder;
  const auto weights = base_file(folder);
  const auto load = [&](torch::Dtype precision) {
    return LoadedBase::load(weights, kBase, torch::kCPU, nn::PackPolicy::kAlways, precision);
  };
  if (!computes_in_bfloat16(torch::kCPU)) {
    CHECK(test::error_of(ErrorCode::kDeviceUnavailable, [&] { load(torch::kBFloat16); }).field() == "precision");
    return;
  }
  const auto exact = load(torch::kFloat32), reduced = load(torch::kBFloat16);
  CHECK(reduced->precision() == torch::kBFloat16 && reduced->parameter_count() == exact->parameter_count());
  for (const std::int64_t batch : {1, 3}) {
    const torch::Tensor images = torch::randn({batch, 3, 128, 128});
    const torch::Tensor embedding = reduced->encode(images);
    CHECK(embedding.scalar_type() == torch::kFloat32);
    const double distance = relative_distance(embedding, exact->encode(images));
    CHECK(distance > 1e-5 && distance < 0.05);
  }
}

}  // namespace
}  // namespace automed::pipeline
