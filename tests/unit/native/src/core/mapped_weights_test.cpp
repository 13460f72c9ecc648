#include "core/mapped_weights.h"

#include <filesystem>

#include "core/checkpoint.h"
#include "support/native_test.h"

namespace {

using automed::ErrorCode;
using automed::SafetensorsFile;
using automed::test::error_of;
using automed::test::TemporaryFolder;

torch::nn::Sequential small_network() {
  return torch::nn::Sequential(torch::nn::Conv2d(3, 4, 3), torch::nn::BatchNorm2d(4), torch::nn::Linear(4, 2));
}

std::string file_with(const TemporaryFolder& folder, const automed::NamedTensors& tensors) {
  const std::string path = folder.file("a.safetensors");
  automed::save_safetensors(path, tensors);
  return path;
}

bool holds(const torch::nn::Module& module, const automed::NamedTensors& expected) {
  const auto actual = automed::state_dict(module);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!torch::equal(expected[i].second, actual[i].second)) return false;
  }
  return expected.size() == actual.size();
}

}  // namespace

TEST("mapped weights: a module sees those of the file, and keeps them when it has its own and the file is gone") {
  const TemporaryFolder folder;
  const auto expected = automed::state_dict(*small_network());
  const auto path = file_with(folder, expected);
  auto module = small_network();
  {
    const auto file = SafetensorsFile::open(path);
    automed::map_strict(*module, file);
    CHECK(holds(*module, expected));
    CHECK(module->parameters()[0].data_ptr() == file.tensor("0.weight").data_ptr());
    automed::own_weights(*module);
    CHECK(module->parameters()[0].data_ptr() != file.tensor("0.weight").data_ptr());
  }
  std::filesystem::resize_file(path, 0);
  CHECK(holds(*module, expected));
}

TEST("mapped weights: numbers of another type are converted") {
  const TemporaryFolder folder;
  auto expected = automed::state_dict(*small_network());
  auto halves = expected;
  for (auto& [name, tensor] : halves) {
    if (tensor.is_floating_point()) tensor = tensor.to(torch::kHalf);
  }
  auto module = small_network();
  automed::map_strict(*module, SafetensorsFile::open(file_with(folder, halves)));
  for (auto& [name, tensor] : expected) {
    if (tensor.is_floating_point()) tensor = tensor.to(torch::kHalf).to(torch::kFloat32);
  }
  CHECK(holds(*module, expected));
}

TEST("mapped weights: a file that does not fit is refused, and the module stays as it was") {
  const TemporaryFolder folder;
  auto tensors = automed::state_dict(*small_network());
  tensors.pop_back();
  auto module = small_network();
  const torch::Tensor before = module->parameters()[0].clone();
  const auto file = SafetensorsFile::open(file_with(folder, tensors));
  error_of(ErrorCode::kCheckpointMismatch, [&] { automed::map_strict(*module, file); });
  CHECK(torch::equal(before, module->parameters()[0]));
}

TEST("mapped weights: without random weights nothing is drawn, and afterwards it is again") {
  torch::manual_seed(5);
  const torch::Tensor first = torch::rand({4});
  torch::manual_seed(5);
  {
    const automed::WithoutRandomWeights guard;
    small_network();
    torch::randn({100});
  }
  CHECK(torch::equal(first, torch::rand({4})));
}
