// The paper's own blocks, each alone: MobileNetV3, the classification head, gradients of the attention blocks.

#include <array>
#include <map>
#include <string>

#include "models/channel_attention.h"
#include "models/medcls_head.h"
#include "models/mobilenet_v3.h"
#include "models/pyramid_pooling.h"
#include "nn/squeeze_excite.h"
#include "parity/fixtures.h"

namespace automed::parity {
namespace {

constexpr std::int64_t kHeadChannels = 32;
constexpr std::int64_t kBackboneChannels = 240;
constexpr double kWidth = 0.25;
constexpr std::array<std::size_t, 4> kStages = {1, 4, 7, 13};

void mobilenet(const Context& context, const std::string& name, bool improved) {
  torch::NoGradGuard no_grad;
  models::MobileNetV3 model(models::MobileNetConfig{.width = kWidth, .improved_se = improved});
  load_for_inference(*model, context.weights(name), "", context.device);
  const SafetensorsFile io = context.io(name);
  const torch::Tensor image = context.input(io, "image");
  const auto stages = model->stages(image);
  const auto zeroed = model->stages(torch::zeros_like(image));
  for (const std::size_t stage : kStages) {
    const std::string key = "after." + std::to_string(stage);
    context.report.compare(name + " " + key, stages[stage], io.tensor(key), kSmall, zeroed[stage]);
  }
  context.report.compare(name + " features", model->forward(image), io.tensor("features"), kSmall, zeroed.back());
}

void medcls_head(const Context& context, const std::string& name, bool attention) {
  torch::NoGradGuard no_grad;
  models::MedClsHead head(models::MedClsHeadOptions{
      .classes = kClasses, .backbone_channels = kBackboneChannels, .channels = kHeadChannels, .attention = attention});
  load_for_inference(*head, context.weights(name), "", context.device);
  const SafetensorsFile io = context.io(name);
  const torch::Tensor prior = context.input(io, "prior");
  const torch::Tensor base = context.input(io, "base");
  const torch::Tensor no_prior = torch::zeros_like(prior);
  Report& report = context.report;
  report.compare(name + " context", models::pyramid_pooling(prior), io.tensor("context"), kSmall,
                 models::pyramid_pooling(no_prior));
  report.compare(name + " spatial", head->spatial->forward(prior), io.tensor("spatial"), kSmall,
                 head->spatial->forward(no_prior));
  report.compare(name + " channel_of_prior", models::channel_attention(prior), io.tensor("channel_of_prior"), kSmall,
                 models::channel_attention(no_prior));
  const torch::Tensor logits = head->forward(prior, base);
  report.compare(name + " logits (prior)", logits, io.tensor("logits"), kSmall, head->forward(no_prior, base));
  report.compare(name + " logits (base)", logits, io.tensor("logits"), kSmall,
                 head->forward(prior, torch::zeros_like(base)));
}

/// Improved SE followed by channel attention; the loss is the mean square of the output.
void gradients(const Context& context) {
  const SafetensorsFile io = context.io("gradients");
  const auto run = [&](const torch::Tensor& x) {
    nn::ImprovedSE block(x.size(1));
    {
      torch::NoGradGuard no_grad;
      for (auto& item : block->named_parameters()) item.value().copy_(io.tensor("weight." + item.key()));
    }
    block->to(context.device);
    const torch::Tensor leaf = x.clone().requires_grad_();
    const torch::Tensor y = models::channel_attention(block->forward(leaf));
    y.square().mean().backward();
    std::map<std::string, torch::Tensor> results = {{"y", y}, {"dx", leaf.grad()}};
    for (const auto& item : block->named_parameters()) results["grad." + item.key()] = item.value().grad();
    return results;
  };
  const torch::Tensor x = context.input(io, "x");
  const auto actual = run(x);
  const auto zeroed = run(torch::zeros_like(x));
  for (const auto& [key, value] : actual) {
    // Gradients of a mean are small: compare at their own scale, and let them move at it.
    const torch::Tensor expected = io.tensor(key);
    const double scale = key == "y" ? 1.0 : 1.0 / expected.abs().max().item<double>();
    context.report.compare("gradients " + key, value * scale, expected * scale, kSmall, zeroed.at(key) * scale);
  }
}

}  // namespace

std::vector<Fixture> block_fixtures() {
  const auto named = [](const char* name, auto function, bool option) {
    const std::string text = name;
    return Fixture{text, [=](const Context& context) { function(context, text, option); }};
  };
  return {named("mobilenet_plain_se", mobilenet, false),
          named("mobilenet_improved_se", mobilenet, true),
          named("medcls_head", medcls_head, true),
          named("medcls_head_no_attention", medcls_head, false),
          {"gradients", gradients}};
}

}  // namespace automed::parity
