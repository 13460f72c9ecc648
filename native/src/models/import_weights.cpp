#include "models/import_weights.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <set>
#include <string_view>

#include "core/checkpoint.h"
#include "core/error.h"
#include "core/json.h"
#include "models/mobilenet_v3.h"
#include "models/sam.h"
#include "nn/adapter.h"

namespace automed::models {
namespace {

constexpr std::string_view kBlocks = "image_encoder.blocks.";
constexpr std::string_view kAdapter = ".Adapter.";
constexpr std::string_view kBackbone = "backbone.";
constexpr int kMaxPrefixParts = 16;  // names with dots between

/// What wrappers put before the names of a network's tensors: what stands before most names that are expected, or
/// nothing. Two copies of the network, such as a student and its teacher, are Error(kCheckpointMismatch).
std::string prefix_of(const std::vector<std::string>& keys, const std::set<std::string>& expected) {
  std::map<std::string, std::size_t> found;  // names by what stands before them
  for (const std::string& key : keys) {
    std::size_t at = 0;
    for (int part = 0; part < kMaxPrefixParts && at != std::string::npos; ++part) {
      if (expected.contains(key.substr(at))) ++found[key.substr(0, at)];
      const std::size_t dot = key.find('.', at);
      at = dot == std::string::npos ? dot : dot + 1;
    }
  }
  const auto best = std::max_element(found.begin(), found.end(),
                                     [](const auto& one, const auto& other) { return one.second < other.second; });
  if (best == found.end() || found.contains("")) return "";
  const auto rival = std::find_if(found.begin(), found.end(), [&](const auto& item) {
    return item.second == best->second && item.first != best->first;
  });
  if (rival != found.end()) {
    throw Error(ErrorCode::kCheckpointMismatch,
                "the checkpoint holds these weights more than once, as " + json::quote(best->first.substr(0, 120)) +
                    " and as " + json::quote(rival->first.substr(0, 120)) + "; save the one that is wanted alone");
  }
  return best->first;
}

/// The names of a file without the prefix; those that do not have it are left out.
std::vector<std::string> names_behind(const std::string& prefix, const std::vector<std::string>& keys,
                                      ImportReport& report) {
  std::vector<std::string> names;
  for (const std::string& key : keys) {
    if (key.starts_with(prefix)) {
      names.push_back(key.substr(prefix.size()));
    } else {
      report.left_out.push_back(key);
    }
  }
  return names;
}

/// (1, n, n, C) -> (1, grid, grid, C)
torch::Tensor resize_embedding(const torch::Tensor& table, std::int64_t grid) {
  const torch::Tensor map = table.to(torch::kFloat32).permute({0, 3, 1, 2});  // 1,C,n,n
  return at::upsample_bilinear2d(map, {grid, grid}, /*align_corners=*/false).permute({0, 2, 3, 1});
}

/// (2n - 1, d) -> (rows, d)
torch::Tensor resize_relative(const torch::Tensor& table, std::int64_t rows) {
  const torch::Tensor map = table.to(torch::kFloat32).unsqueeze(0).unsqueeze(0);  // 1,1,2n-1,d
  return at::upsample_bilinear2d(map, {rows, table.size(1)}, /*align_corners=*/false)[0][0];
}

/// The table at the wanted size; undefined when `name` is no table that depends on the image size. Tables of windowed
/// blocks keep their size, so theirs is an error like any other.
torch::Tensor resize_table(const std::string& name, const torch::Tensor& table, torch::IntArrayRef wanted) {
  const bool same_width = table.dim() > 0 && table.dim() == static_cast<std::int64_t>(wanted.size()) &&
                          table.size(-1) == wanted.back() && table.is_floating_point() && table.numel() > 0;
  if (!same_width) return {};
  torch::Tensor resized;
  if (name == "image_encoder.pos_embed" && table.size(0) == 1 && table.size(1) == table.size(2)) {
    resized = resize_embedding(table, wanted[1]);
  } else if (name.find(".attn.rel_pos_") != std::string::npos && table.size(0) % 2 == 1) {
    resized = resize_relative(table, wanted[0]);
  }
  return resized.defined() ? resized.to(table.scalar_type()).contiguous() : resized;
}

/// Of a block's tensor, its number.
std::int64_t block_of(const std::string& name) {
  return name.starts_with(kBlocks) ? std::stoll(name.substr(kBlocks.size())) : -1;
}

bool depends_on_image(const std::string& name, const SamConfig& config) {
  const auto& global = config.encoder.global_blocks;
  const std::int64_t block = block_of(name);
  return block < 0 || std::find(global.begin(), global.end(), block) != global.end();
}

void keep(ImportReport& report, NamedTensors& kept, const std::string& name, const torch::Tensor& tensor,
          bool parameter) {
  report.tensors += 1;
  report.bytes += static_cast<std::int64_t>(tensor.nbytes());
  report.parameters += parameter ? tensor.numel() : 0;
  kept.emplace_back(name, tensor);
}

ImportReport start_report(const WeightsSource& source) {
  ImportReport report;
  report.format = source.format();
  report.left_out = source.left_out();
  return report;
}

/// Finds the prefix for the report, and resolves to the names behind it.
std::vector<std::string> strip_prefix(const WeightsSource& source, const std::set<std::string>& expected,
                                      ImportReport& report) {
  const auto keys = source.keys();
  report.prefix = prefix_of(keys, expected);
  return names_behind(report.prefix, keys, report);
}

std::set<std::string> names_of(const std::vector<ExpectedTensor>& tensors) {
  std::set<std::string> names;
  for (const ExpectedTensor& tensor : tensors) names.insert(tensor.name);
  return names;
}

/// The adapters of every block with random weights, under their names in a base; empty without adapters.
std::map<std::string, torch::Tensor> random_adapters(const SamConfig& config, std::uint64_t seed) {
  std::map<std::string, torch::Tensor> tensors;
  if (!config.encoder.adapter) return tensors;
  torch::manual_seed(seed);
  for (std::int64_t i = 0; i < config.encoder.depth; ++i) {
    const nn::Adapter adapter(config.encoder.embed_dim);
    const std::string prefix = std::string(kBlocks) + std::to_string(i) + std::string(kAdapter);
    for (const auto& [name, tensor] : state_dict(*adapter, prefix)) tensors.emplace(name, tensor);
  }
  return tensors;
}

std::set<std::string> parameter_names(const torch::nn::Module& module) {
  std::set<std::string> names;
  for (const auto& item : module.named_parameters()) names.insert(item.key());
  return names;
}

/// Whether a name of HarDNet-85's checkpoint is `base.N.*` of a stage N of the trunk.
bool is_of_trunk(std::string_view name) {
  constexpr std::string_view kBase = "base.";
  constexpr int kTrunk = 19;  // base.19 is the classifier
  if (!name.starts_with(kBase)) return false;
  name.remove_prefix(kBase.size());
  int stage = kTrunk;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), stage);
  return status == std::errc() && end != name.data() + name.size() && stage >= 0 && stage < kTrunk;
}

}  // namespace

std::vector<ExpectedTensor> expected_state(const SamConfig& config) {
  // All windowed blocks are alike, and so are all global ones: one of each stands for the rest.
  SamConfig pattern = config;
  pattern.encoder.depth = 2;
  pattern.encoder.global_blocks = {1};
  const Sam sam(pattern);
  const std::set<std::string> parameters = parameter_names(*sam);
  std::vector<ExpectedTensor> expected;
  std::array<std::vector<ExpectedTensor>, 2> block_parts;  // names behind the block's number
  for (const auto& [name, tensor] : state_dict(*sam)) {
    const std::int64_t block = block_of(name);
    const std::string rest = block < 0 ? name : name.substr(name.find('.', kBlocks.size()));
    auto& list = block < 0 ? expected : block_parts[static_cast<std::size_t>(block)];
    list.push_back({rest, tensor.sizes().vec(), parameters.contains(name)});
  }
  const auto& global = config.encoder.global_blocks;
  for (std::int64_t i = 0; i < config.encoder.depth; ++i) {
    const bool is_global = std::find(global.begin(), global.end(), i) != global.end();
    for (ExpectedTensor part : block_parts[is_global ? 1 : 0]) {
      part.name = std::string(kBlocks) + std::to_string(i) + part.name;
      expected.push_back(std::move(part));
    }
  }
  return expected;
}

ImportReport import_base(const std::string& source_path, const SamConfig& config, const BaseImportOptions& options,
                         const std::string& destination_path) {
  const torch::NoGradGuard guard;
  const auto source = open_weights(source_path);
  const std::vector<ExpectedTensor> expected = expected_state(config);
  ImportReport report = start_report(*source);
  const auto names = strip_prefix(*source, names_of(expected), report);
  const std::string& prefix = report.prefix;
  NamedTensors kept;
  Mismatch mismatch;
  std::set<std::string> known;
  std::map<std::string, torch::Tensor> adapters;
  if (options.adapter_seed) adapters = random_adapters(config, *options.adapter_seed);
  for (const ExpectedTensor& wanted : expected) {
    if (const auto adapter = adapters.find(wanted.name); adapter != adapters.end()) {
      report.untrained.push_back(wanted.name);
      keep(report, kept, wanted.name, adapter->second, wanted.parameter);
      continue;
    }
    known.insert(wanted.name);
    if (!source->contains(prefix + wanted.name)) {
      mismatch.missing.push_back(wanted.name);
      continue;
    }
    torch::Tensor tensor = source->tensor(prefix + wanted.name);
    if (tensor.sizes() != torch::IntArrayRef(wanted.shape)) {
      const bool may = options.resize_positions && depends_on_image(wanted.name, config);
      const torch::Tensor resized = may ? resize_table(wanted.name, tensor, wanted.shape) : torch::Tensor();
      if (!resized.defined()) {
        mismatch.add_shape(wanted.name, tensor.sizes(), wanted.shape);
        continue;
      }
      report.converted.push_back({wanted.name, tensor.sizes().vec(), wanted.shape});
      tensor = resized;
    }
    if (!tensor.is_floating_point()) mismatch.different.push_back(wanted.name + " has another kind of numbers");
    keep(report, kept, wanted.name, tensor, wanted.parameter);
  }
  for (const std::string& name : names) {
    if (!known.contains(name)) mismatch.unexpected.push_back(name);
  }
  mismatch.check();
  for (const auto& [name, tensor] : kept) check_finite(name, tensor);
  save_safetensors(destination_path, kept);
  return report;
}

ImportReport import_mobilenet(const std::string& source_path, bool improved_se, std::uint64_t seed,
                              const std::string& destination_path) {
  const torch::NoGradGuard guard;
  const auto source = open_weights(source_path);
  ImportReport report = start_report(*source);
  Mismatch mismatch;
  // Whatever is kept of it, the file must be the published network.
  const MobileNetV3 published(MobileNetConfig{.improved_se = false});
  const NamedTensors expected = state_dict(*published);
  std::set<std::string> expected_names;
  for (const auto& item : expected) expected_names.insert(item.first);
  const auto names = strip_prefix(*source, expected_names, report);
  const std::string& prefix = report.prefix;
  std::map<std::string, torch::Tensor> found;
  for (const auto& [name, tensor] : expected) {
    if (!source->contains(prefix + name)) {
      mismatch.missing.push_back(name);
      continue;
    }
    const torch::Tensor given = source->tensor(prefix + name);
    if (given.sizes() != tensor.sizes()) mismatch.add_shape(name, given.sizes(), tensor.sizes());
    found.emplace(name, given);
  }
  for (const std::string& name : names) {
    if (name.starts_with("features.") && !found.contains(name)) mismatch.unexpected.push_back(name);
  }
  mismatch.check();

  torch::manual_seed(seed);
  const MobileNetV3 target(MobileNetConfig{.improved_se = improved_se});
  const std::set<std::string> parameters = parameter_names(*target);
  NamedTensors kept;
  for (const auto& [name, random] : state_dict(*target)) {
    const auto position = found.find(name);
    if (position == found.end()) report.untrained.push_back(name);
    const torch::Tensor tensor = position == found.end() ? random : position->second;
    check_finite(name, tensor);
    keep(report, kept, std::string(kBackbone) + name, tensor, parameters.contains(name));
    if (position != found.end()) found.erase(position);
  }
  for (const auto& item : found) report.left_out.push_back(item.first);  // the plain blocks
  for (const std::string& name : names) {
    if (!name.starts_with("features.")) report.left_out.push_back(name);
  }
  save_safetensors(destination_path, kept);
  return report;
}

ImportReport import_hardnet(const std::string& source_path, const std::string& destination_path) {
  const torch::NoGradGuard guard;
  const auto source = open_weights(source_path);
  ImportReport report = start_report(*source);
  const std::string stem = "base.0.conv.weight";
  const std::string last = "base.18.conv.weight";
  const auto names = strip_prefix(*source, {stem, last}, report);
  const std::string& prefix = report.prefix;
  if (!source->contains(prefix + stem) || !source->contains(prefix + last)) {
    throw Error(ErrorCode::kCheckpointMismatch,
                "the checkpoint is not HarDNet-85's: it lacks base.0.conv.weight or "
                "base.18.conv.weight");
  }
  NamedTensors kept;
  for (const std::string& name : names) {
    if (!is_of_trunk(name)) {
      report.left_out.push_back(name);
      continue;
    }
    const torch::Tensor tensor = source->tensor(prefix + name);
    check_finite(name, tensor);
    const bool buffer = name.find(".running_") != std::string::npos || name.ends_with(".num_batches_tracked");
    keep(report, kept, std::string(kBackbone) + name, tensor, !buffer);
  }
  save_safetensors(destination_path, kept);
  return report;
}

}  // namespace automed::models
