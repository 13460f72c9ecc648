#include "models/head.h"

#include <set>

#include "core/checkpoint.h"
#include "support/native_test.h"

namespace {

using automed::ErrorCode;
using automed::models::Head;
using automed::models::HeadConfig;
using automed::models::Sam;
using automed::test::error_of;
using automed::test::Failure;

/// 64 px and two blocks: what is computed matters less here than where gradients go.
automed::models::SamConfig micro_base() {
  return automed::models::parse_sam_config(
      R"({"image_size":64,"patch_size":16,"embed_dim":32,"depth":2,"heads":2,"window_size":3,"global_blocks":[1],)"
      R"("out_channels":16,"adapter":true,"decoder":{"depth":2,"heads":2,"mlp_dim":32,"iou_hidden":16}})");
}

torch::Tensor embed(Sam& base, const torch::Tensor& images) {
  torch::NoGradGuard no_grad;
  return base->image_encoder->forward(images);
}

bool starts_with_any(const std::string& name, const std::vector<std::string>& prefixes) {
  for (const auto& prefix : prefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

TEST("systems: each is made of what its name says, and no more") {
  const std::vector<std::pair<std::string, std::vector<std::string>>> parts = {
      {"automed", {"image_prompt.", "mask_decoder."}},
      {"automed-frozen-decoder", {"image_prompt."}},
      {"automed-plain-se", {"image_prompt.", "mask_decoder."}},
      {"medcls", {"backbone.", "head.spatial.", "head.base.", "head.mlp."}},
      {"medcls-encoder-only", {"head.mlp."}},
      {"medcls-mobilenet-plain", {"backbone.", "head.base.", "head.mlp."}},
      {"medcls-mobilenet-improved", {"backbone.", "head.base.", "head.mlp."}},
      {"medcls-no-attention", {"backbone.", "head.spatial.", "head.base.", "head.mlp."}},
      {"autosam", {"backbone.base.", "decoder.up1.", "decoder.up2.", "decoder.final."}}};
  Sam base(micro_base());
  CHECK(parts.size() == automed::models::head_config_names().size());
  for (const auto& [name, prefixes] : parts) {
    const auto config = automed::models::named_head_config(name, base->config(), 3);
    Head head = automed::models::make_head(config, base);
    std::set<std::string> unseen(prefixes.begin(), prefixes.end());
    bool improved = false;
    for (const auto& [key, tensor] : automed::state_dict(automed::models::module_of(head))) {
      if (!starts_with_any(key, prefixes)) throw Failure(name + " has " + key);
      std::erase_if(unseen, [&key = key](const std::string& prefix) { return key.starts_with(prefix); });
      improved = improved || key.ends_with(".spatial.weight");
    }
    if (!unseen.empty()) throw Failure(name + " lacks " + *unseen.begin());
    const bool wants_improved =
        name.find("plain") == std::string::npos && name != "autosam" && name.find("encoder-only") == std::string::npos;
    if (improved != wants_improved) throw Failure(name + " has the wrong squeeze-and-excitation");
    CHECK(automed::models::to_json(automed::models::parse_head_config(automed::models::to_json(config))) ==
          automed::models::to_json(config));
  }
  CHECK(error_of(ErrorCode::kInvalidArgument, [&] {
          automed::models::named_head_config("unet", base->config(), 3);
        }).field() == "system");
}

TEST("systems: each learns with every weight that its output depends on, and moves nothing of a frozen base") {
  torch::manual_seed(3);
  Sam base(micro_base());
  for (auto& parameter : base->parameters()) parameter.set_requires_grad(false);
  const torch::Tensor images = torch::randn({2, 3, 64, 64});
  for (const std::string& name : automed::models::head_config_names()) {
    const auto config = automed::models::named_head_config(name, base->config(), 3);
    Head head = automed::models::make_head(config, base);
    auto& module = automed::models::module_of(head);
    const torch::Tensor embedding = config.uses_embedding() ? embed(base, images) : torch::Tensor();
    const auto loss = [&] { return automed::models::head_forward(head, images, embedding, base).square().mean(); };
    torch::optim::SGD optimizer(module.parameters(), torch::optim::SGDOptions(1e-2));
    const torch::Tensor first = loss();
    first.backward();
    std::size_t reached = 0;
    for (const auto& parameter : module.parameters()) reached += parameter.grad().defined() ? 1 : 0;
    if (reached * 3 < module.parameters().size()) throw Failure(name + " reaches few of its weights");
    optimizer.step();
    if (loss().item<double>() == first.item<double>()) throw Failure(name + " did not learn");
    for (const auto& parameter : base->parameters()) CHECK(!parameter.grad().defined());
  }
}

TEST("SAM-AutoMed: a frozen decoder draws what the same decoder of its own would") {
  torch::NoGradGuard no_grad;
  Sam base(micro_base());
  const auto frozen = automed::models::named_head_config("automed-frozen-decoder", base->config(), 0);
  auto own = frozen;
  own.frozen_decoder = false;
  Head with_base = automed::models::make_head(frozen, base);
  Head with_own = automed::models::make_head(own, base);
  auto source = automed::models::module_of(with_base).named_parameters();
  for (auto& item : automed::models::module_of(with_own).named_parameters()) {
    if (auto* found = source.find(item.key())) item.value().copy_(*found);
  }
  automed::models::module_of(with_base).eval();
  automed::models::module_of(with_own).eval();
  const torch::Tensor images = torch::randn({1, 3, 64, 64});
  const torch::Tensor embedding = embed(base, images);
  CHECK(torch::equal(automed::models::head_forward(with_base, images, embedding, base),
                     automed::models::head_forward(with_own, images, embedding, base)));
}

TEST("SAM-AutoMed: K structures have K mask tokens of their own, begun from the base's") {
  torch::NoGradGuard no_grad;
  Sam base(micro_base());
  HeadConfig config = automed::models::named_head_config("automed", base->config(), 0);
  const torch::Tensor images = torch::randn({2, 3, 64, 64});
  for (const std::int64_t structures : {1, 2, 6}) {
    config.structures = structures;
    Head head = automed::models::make_head(config, base);
    auto& decoder = std::get<automed::models::SamAutoMed>(head)->mask_decoder;
    // One structure keeps the base's decoder as it is, and with it the published names and shapes.
    CHECK(decoder->token_count() == (structures == 1 ? base->mask_decoder->token_count() : structures));
    const torch::Tensor logits = automed::models::head_forward(head, images, embed(base, images), base);
    CHECK(logits.sizes() == torch::IntArrayRef({2, structures, 16, 16}));
    CHECK(automed::models::full_size_logits(head, logits, 64).sizes() == torch::IntArrayRef({2, structures, 64, 64}));
    const auto parameters = decoder->named_parameters();
    const auto published = base->mask_decoder->named_parameters();
    CHECK(torch::equal(parameters["mask_tokens.weight"][0], published["mask_tokens.weight"][0]));
    if (structures == 6) {
      CHECK(torch::equal(parameters["mask_tokens.weight"][5], published["mask_tokens.weight"][1]));
      CHECK(torch::equal(parameters["output_hypernetworks_mlps.5.layers.0.weight"],
                         published["output_hypernetworks_mlps.1.layers.0.weight"]));
    }
  }
}

TEST("AutoSAM: each map is stretched to [0, 1] by itself, and its logits stay finite") {
  const torch::Tensor logits = torch::randn({3, 1, 8, 8}) * torch::tensor({1.f, 10.f, 0.f}).view({3, 1, 1, 1});
  const torch::Tensor masks = automed::models::stretch_masks(logits);
  for (int i = 0; i < 2; ++i) {
    CHECK(masks[i].min().item<float>() == 0);
    CHECK(std::abs(masks[i].max().item<float>() - 1) < 1e-5);
  }
  CHECK(masks[2].abs().max().item<float>() == 0);  // a flat map has nothing to show
  const Head head = automed::models::AutoSam(nullptr);
  const torch::Tensor full = automed::models::full_size_logits(head, logits, 32);
  CHECK(torch::isfinite(full).all().item<bool>());
  const torch::Tensor expected = torch::upsample_bilinear2d(masks, {32, 32}, false);
  CHECK(automed::test::max_difference(torch::sigmoid(full), expected) < 1e-5);
}

TEST("AutoSAM: the prompt has the grid of the base it stands on") {
  torch::NoGradGuard no_grad;
  Sam base(micro_base());
  HeadConfig config = automed::models::named_head_config("autosam", base->config(), 0);
  CHECK(config.hardnet.input_size == 64);
  config.hardnet.input_size = 96;
  config.hardnet.block_layers = 4;
  automed::models::AutoSam model(base->config(), config);
  const torch::Tensor prompt = model->prompt(torch::randn({2, 3, 64, 64}), 4);
  CHECK(prompt.sizes() == torch::IntArrayRef({2, 16, 4, 4}));
  CHECK(prompt.abs().max().item<float>() <= 1);
}

TEST("SAM-MedCls: a place that is left out is as if the grid had never had it") {
  torch::NoGradGuard no_grad;
  automed::models::MedClsHead head(automed::models::MedClsHeadOptions{
      .classes = 3, .channels = 16, .attention = false, .features = HeadConfig::Features::kEncoder});
  head->eval();
  const torch::Tensor prior = torch::randn({2, 16, 4, 5});
  const auto [logits, without] = head->leave_one_out(prior, {});
  CHECK(automed::test::max_difference(logits, head->forward(prior, {})) == 0);
  CHECK(without.sizes() == torch::IntArrayRef({2, 4, 5, 3}));
  const torch::Tensor places = prior.flatten(2);  // 2,16,20
  for (std::int64_t place = 0; place < 20; ++place) {
    const torch::Tensor others = torch::cat({places.narrow(2, 0, place), places.narrow(2, place + 1, 19 - place)}, 2);
    const torch::Tensor expected = head->forward(others.unsqueeze(2), {});
    CHECK(automed::test::max_difference(without.flatten(1, 2).select(1, place), expected) < 1e-5);
  }
}

TEST("SAM-MedCls: what is left out of the full head is left out after its attention") {
  torch::NoGradGuard no_grad;
  Sam base(micro_base());
  automed::models::SamMedCls model(base->config(), automed::models::named_head_config("medcls", base->config(), 2));
  model->eval();
  const torch::Tensor images = torch::randn({1, 3, 64, 64});
  const torch::Tensor embedding = embed(base, images);
  const auto [logits, without] = model->leave_one_out(images, embedding);
  CHECK(automed::test::max_difference(logits, model->forward(images, embedding)) < 1e-6);
  CHECK(without.sizes() == torch::IntArrayRef({1, 4, 4, 2}));
  CHECK((without - logits.view({1, 1, 1, 2})).abs().max().item<float>() > 0);
}
