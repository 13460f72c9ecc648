#include "models/import_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/checkpoint.h"
#include "models/mobilenet_v3.h"
#include "models/sam.h"
#include "support/native_test.h"

namespace {

namespace models = automed::models;
using automed::ErrorCode;
using automed::NamedTensors;
using automed::SafetensorsFile;
using automed::test::error_of;
using automed::test::TemporaryFolder;

models::SamConfig small_config(std::int64_t image_size, bool adapter = false) {
  models::SamConfig config{};
  config.encoder.image_size = image_size;
  config.encoder.patch_size = 16;
  config.encoder.embed_dim = 16;
  config.encoder.depth = 3;
  config.encoder.heads = 2;
  config.encoder.window_size = 3;
  config.encoder.global_blocks = {0, 2};
  config.encoder.out_channels = 16;
  config.encoder.adapter = adapter;
  config.decoder = {.depth = 1, .heads = 2, .mlp_dim = 16, .iou_hidden = 8};
  return config;
}

/// A file of these tensors, every name behind `prefix`.
std::string written(const TemporaryFolder& folder, const NamedTensors& tensors, const std::string& prefix = "") {
  NamedTensors named;
  for (const auto& [name, tensor] : tensors) named.emplace_back(prefix + name, tensor);
  const std::string path = folder.file("source.safetensors");
  automed::save_safetensors(path, named);
  return path;
}

bool is_se(const std::string& name) {
  return name.find(".fc1.") != std::string::npos || name.find(".fc2.") != std::string::npos;
}

}  // namespace

TEST("import: the expected state is that of the network, for every depth and pattern of blocks") {
  models::SamConfig windowed = small_config(64);
  windowed.encoder.global_blocks = {};
  for (const auto& config : {small_config(64), small_config(96, true), windowed, models::named_sam_config("tiny")}) {
    models::Sam sam(config);
    std::map<std::string, models::ExpectedTensor> expected;
    for (const auto& item : models::expected_state(config)) expected.emplace(item.name, item);
    const auto actual = automed::state_dict(*sam);
    CHECK(expected.size() == actual.size());
    for (const auto& [name, tensor] : actual) {
      CHECK(expected.contains(name) && tensor.sizes() == torch::IntArrayRef(expected.at(name).shape));
      CHECK(expected.at(name).parameter == (name.find("gaussian_matrix") == std::string::npos));
    }
  }
}

TEST("import: a base is written as it is, with or without DataParallel's prefix") {
  const TemporaryFolder folder;
  const auto config = small_config(64, true);
  models::Sam sam(config);
  for (const char* prefix : {"", "module."}) {
    const auto source = written(folder, automed::state_dict(*sam), prefix);
    const std::string target = folder.file("base.safetensors");
    const auto report = models::import_base(source, config, {}, target);
    models::Sam loaded(config);
    automed::load_strict(*loaded, SafetensorsFile::open(target));
    CHECK(torch::equal(sam->parameters()[0], loaded->parameters()[0]));
    CHECK(report.format == "safetensors" && report.converted.empty());
    CHECK(report.tensors == static_cast<std::int64_t>(automed::state_dict(*sam).size()));
    std::int64_t parameters = 0;
    for (const auto& parameter : sam->parameters()) parameters += parameter.numel();
    CHECK(report.parameters == parameters);
  }
}

TEST("import: what stands before all names of the network is dropped and reported, whatever it is") {
  const TemporaryFolder folder;
  const auto config = small_config(64);
  models::Sam sam(config);
  const std::string target = folder.file("base.safetensors");
  for (const std::string prefix : {"module.", "_orig_mod.", "module._orig_mod.", "model.", "sam.", "net.0.encoder."}) {
    auto tensors = automed::state_dict(*sam, prefix);
    tensors.emplace_back("criterion.weight", torch::ones({2}));
    const auto report = models::import_base(written(folder, tensors), config, {}, target);
    CHECK(report.prefix == prefix && report.left_out == std::vector<std::string>{"criterion.weight"});
    CHECK(SafetensorsFile::open(target).keys().size() == automed::state_dict(*sam).size());
  }
}

TEST("import: a stranger among the names behind the prefix, and a second copy of the network, are refused") {
  const TemporaryFolder folder;
  const auto config = small_config(64);
  models::Sam sam(config);
  const std::string target = folder.file("base.safetensors");
  const auto refusal = [&](const NamedTensors& tensors) {
    const std::string source = written(folder, tensors);
    const auto error =
        error_of(ErrorCode::kCheckpointMismatch, [&] { models::import_base(source, config, {}, target); });
    return std::string(error.what());
  };
  auto tensors = automed::state_dict(*sam, "model.");
  tensors.emplace_back("model.stranger", torch::ones({2}));
  CHECK(refusal(tensors).find("1 unexpected: stranger") != std::string::npos);
  tensors = automed::state_dict(*sam, "student.");
  for (const auto& item : automed::state_dict(*sam, "teacher.")) tensors.push_back(item);
  CHECK(refusal(tensors).find("more than once, as \"student.\" and as \"teacher.\"") != std::string::npos);
}

TEST("import: adapters that the file does not have start at random from a seed, and only then") {
  const TemporaryFolder folder;
  models::Sam sam(small_config(64));
  const auto source = written(folder, automed::state_dict(*sam));
  const auto config = small_config(64, true);
  const std::string target = folder.file("base.safetensors");
  error_of(ErrorCode::kCheckpointMismatch, [&] { models::import_base(source, config, {}, target); });

  const auto report = models::import_base(source, config, {.adapter_seed = 3}, target);
  models::Sam loaded(config);
  automed::load_strict(*loaded, SafetensorsFile::open(target));
  CHECK(torch::equal(loaded->image_encoder->named_parameters()["pos_embed"],
                     sam->image_encoder->named_parameters()["pos_embed"]));
  const auto is_adapter = [](const std::string& name) { return name.find(".Adapter.") != std::string::npos; };
  const auto keys = automed::state_dict(*loaded);
  CHECK(std::count_if(keys.begin(), keys.end(), [&](const auto& item) { return is_adapter(item.first); }) ==
        static_cast<std::ptrdiff_t>(report.untrained.size()));
  CHECK(!report.untrained.empty() && std::all_of(report.untrained.begin(), report.untrained.end(), is_adapter));

  const std::string name = "image_encoder.blocks.1.Adapter.channel.0.weight";
  const auto drawn = [&](std::uint64_t seed) {
    models::import_base(source, config, {.adapter_seed = seed}, target);
    return SafetensorsFile::open(target).tensor(name).clone();
  };
  CHECK(torch::equal(drawn(3), loaded->named_parameters()[name]) && !torch::equal(drawn(3), drawn(4)));

  models::Sam complete(config);
  const auto adapted = written(folder, automed::state_dict(*complete));
  error_of(ErrorCode::kCheckpointMismatch, [&] { models::import_base(adapted, config, {.adapter_seed = 3}, target); });
}

TEST("import: position tables of another image size are interpolated on request, half a pixel in") {
  const TemporaryFolder folder;
  models::Sam large(small_config(256));  // 16 x 16 tokens
  const torch::NoGradGuard guard;
  const torch::Tensor ramp = torch::arange(16, torch::kFloat32);
  for (auto& item : large->named_parameters()) {
    if (item.key() == "image_encoder.pos_embed") item.value().copy_(ramp.view({1, 16, 1, 1}).expand_as(item.value()));
    if (item.key() == "image_encoder.blocks.2.attn.rel_pos_w") {
      item.value().copy_(torch::arange(31, torch::kFloat32).view({31, 1}).expand_as(item.value()));
    }
  }
  const auto source = written(folder, automed::state_dict(*large));
  const auto config = small_config(64);  // 4 x 4 tokens
  const std::string target = folder.file("base.safetensors");
  const auto error = error_of(ErrorCode::kCheckpointMismatch, [&] { models::import_base(source, config, {}, target); });
  CHECK(std::string(error.what()).find("image_encoder.pos_embed is [1, 16, 16, 16]") != std::string::npos);

  const auto report = models::import_base(source, config, {.resize_positions = true}, target);
  CHECK(report.converted.size() == 5);  // the embedding, two tables in two global blocks
  const auto file = SafetensorsFile::open(target);
  const torch::Tensor rows = file.tensor("image_encoder.pos_embed").select(0, 0).select(1, 0).select(1, 0);
  CHECK(automed::test::max_difference(rows, torch::tensor({1.5, 5.5, 9.5, 13.5})) < 1e-5);
  const torch::Tensor relative = file.tensor("image_encoder.blocks.2.attn.rel_pos_w").select(1, 0);
  CHECK(relative.size(0) == 7);
  CHECK(std::abs(relative[3].item<double>() - 15) < 1e-4);  // the centre stays: no distance
  CHECK(std::abs(relative[0].item<double>() - (0.5 * 31 / 7 - 0.5)) < 1e-4);
  // The windows do not depend on the image, and neither does the decoder.
  const std::map<std::string, torch::Tensor> before = [&] {
    std::map<std::string, torch::Tensor> named;
    for (const auto& [name, tensor] : automed::state_dict(*large)) named.emplace(name, tensor);
    return named;
  }();
  for (const char* name : {"image_encoder.blocks.1.attn.rel_pos_h", "mask_decoder.mask_tokens.weight"}) {
    CHECK(torch::equal(file.tensor(name), before.at(name)));
  }
}

TEST("import: tables of windowed blocks and NaN are refused") {
  const TemporaryFolder folder;
  const auto config = small_config(64);
  models::Sam sam(config);
  auto tensors = automed::state_dict(*sam);
  const std::string target = folder.file("base.safetensors");
  for (auto& [name, tensor] : tensors) {
    if (name == "image_encoder.blocks.1.attn.rel_pos_h") tensor = torch::zeros({9, 8});
  }
  const auto windowed = written(folder, tensors);
  error_of(ErrorCode::kCheckpointMismatch,
           [&] { models::import_base(windowed, config, {.resize_positions = true}, target); });
  tensors = automed::state_dict(*sam);
  tensors[0].second = torch::full_like(tensors[0].second, std::numeric_limits<float>::quiet_NaN());
  const auto broken = written(folder, tensors);
  error_of(ErrorCode::kCheckpointCorrupt,
           [&] { models::import_base(broken, config, {.resize_positions = true}, target); });
  CHECK(folder.names().size() == 1);
}

TEST("import: torchvision's MobileNet comes whole, or without the blocks that the paper replaces") {
  const TemporaryFolder folder;
  models::MobileNetV3 published(models::MobileNetConfig{.improved_se = false});
  auto tensors = automed::state_dict(*published);
  const auto se =
      static_cast<std::size_t>(std::count_if(tensors.begin(), tensors.end(), [](auto& t) { return is_se(t.first); }));
  CHECK(se == 8 * 4);
  tensors.emplace_back("classifier.0.weight", torch::ones({2, 2}));
  const auto source = written(folder, tensors);
  const std::string target = folder.file("backbone.safetensors");

  auto report = models::import_mobilenet(source, false, 1, target);
  CHECK(report.untrained.empty() && report.left_out == std::vector<std::string>{"classifier.0.weight"});
  models::MobileNetV3 plain(models::MobileNetConfig{.improved_se = false});
  automed::load_strict(*plain, SafetensorsFile::open(target), "backbone");
  CHECK(torch::equal(plain->parameters()[0], published->parameters()[0]));

  report = models::import_mobilenet(source, true, 1, target);
  CHECK(report.untrained.size() == 8 * 4 && report.left_out.size() == se + 1);
  models::MobileNetV3 improved(models::MobileNetConfig{.improved_se = true});
  automed::load_strict(*improved, SafetensorsFile::open(target), "backbone");
  CHECK(torch::equal(improved->parameters()[0], published->parameters()[0]));

  tensors.erase(tensors.begin());
  const auto incomplete = written(folder, tensors);
  error_of(ErrorCode::kCheckpointMismatch, [&] { models::import_mobilenet(incomplete, true, 1, target); });
}

TEST("import: HarDNet's trunk comes without its classifier") {
  const TemporaryFolder folder;
  const NamedTensors tensors = {{"base.0.conv.weight", torch::ones({4, 3, 3, 3})},
                                {"base.0.norm.num_batches_tracked", torch::tensor(3)},
                                {"base.18.conv.weight", torch::ones({4, 4, 1, 1})},
                                {"base.19.3.weight", torch::ones({1000, 4})}};
  const std::string target = folder.file("backbone.safetensors");
  const auto report = models::import_hardnet(written(folder, tensors), target);
  const auto file = SafetensorsFile::open(target);
  CHECK(file.keys().size() == 3 && file.contains("backbone.base.18.conv.weight"));
  CHECK(report.left_out == std::vector<std::string>{"base.19.3.weight"});
  CHECK(report.parameters == 4 * 27 + 16);
  const auto other = written(folder, {{"features.0.weight", torch::ones({1})}});
  error_of(ErrorCode::kCheckpointMismatch, [&] { models::import_hardnet(other, target); });
}
