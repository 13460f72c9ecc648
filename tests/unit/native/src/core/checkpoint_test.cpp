#include "core/checkpoint.h"

#include <limits>

#include "support/native_test.h"

namespace {

using automed::ErrorCode;
using automed::SafetensorsFile;
using automed::test::error_of;
using automed::test::TemporaryFolder;

torch::nn::Sequential network() {
  return torch::nn::Sequential(torch::nn::Conv2d(3, 4, 3), torch::nn::BatchNorm2d(4), torch::nn::Conv2d(4, 2, 1));
}

SafetensorsFile saved(const TemporaryFolder& folder, const automed::NamedTensors& tensors) {
  const std::string path = folder.file("a.safetensors");
  automed::save_safetensors(path, tensors);
  return SafetensorsFile::open(path);
}

bool mentions(const automed::Error& error, const std::string& text) {
  return std::string(error.what()).find(text) != std::string::npos;
}

}  // namespace

TEST("checkpoint: a module's state loads into another one, buffers included") {
  const TemporaryFolder folder;
  auto a = network();
  auto b = network();
  a->forward(torch::randn({2, 3, 8, 8}));  // moves the running statistics
  automed::load_strict(*b, saved(folder, automed::state_dict(*a)));
  const auto expected = automed::state_dict(*a);
  const auto actual = automed::state_dict(*b);
  CHECK(expected.size() == 9);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(expected[i].first == actual[i].first);
    CHECK(torch::equal(expected[i].second, actual[i].second));
  }
}

TEST("checkpoint: one error lists all missing, unexpected and mis-shaped names, and nothing is loaded") {
  const TemporaryFolder folder;
  auto module = network();
  auto tensors = automed::state_dict(*network());
  std::erase_if(tensors, [](const auto& item) { return item.first == "0.bias" || item.first == "1.running_var"; });
  tensors.emplace_back("stranger", torch::ones({1}));
  for (auto& [name, tensor] : tensors) {
    if (name == "2.weight") tensor = torch::zeros({2, 4});
    if (name == "1.num_batches_tracked") tensor = torch::tensor(0.5);
  }
  const torch::Tensor before = module->parameters()[0].clone();
  const auto file = saved(folder, tensors);
  const auto error = error_of(ErrorCode::kCheckpointMismatch, [&] { automed::load_strict(*module, file); });
  for (const char* text : {"2 missing", "0.bias", "1.running_var", "1 unexpected", "stranger", "2.weight is [2, 4]",
                           "[2, 4, 1, 1]", "1.num_batches_tracked"}) {
    CHECK(mentions(error, text));
  }
  CHECK(torch::equal(before, module->parameters()[0]));
}

TEST("checkpoint: the text of a mismatch stays short, with counts") {
  const TemporaryFolder folder;
  automed::NamedTensors tensors;
  for (int i = 0; i < 1000; ++i) tensors.emplace_back("name" + std::to_string(i), torch::ones({1}));
  const auto file = saved(folder, tensors);
  const auto error = error_of(ErrorCode::kCheckpointMismatch, [&] { automed::load_strict(*network(), file); });
  CHECK(mentions(error, "1000 unexpected"));
  CHECK(mentions(error, "and 980 more"));
  CHECK(std::string(error.what()).size() < 2000);
}

TEST("checkpoint: a prefix selects its own names and leaves the others alone") {
  const TemporaryFolder folder;
  auto a = network();
  auto tensors = automed::state_dict(*a, "head");
  tensors.emplace_back("body.weight", torch::ones({1}));
  const auto file = saved(folder, tensors);
  auto b = network();
  automed::load_strict(*b, file, "head");
  CHECK(torch::equal(a->parameters()[0], b->parameters()[0]));
  error_of(ErrorCode::kCheckpointMismatch, [&] { automed::load_strict(*b, file); });
}

TEST("checkpoint: NaN and infinity are refused by name, large values are not") {
  const TemporaryFolder folder;
  auto module = network();
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto tensors = automed::state_dict(*network());
    tensors[2].second = tensors[2].second.detach().clone();
    tensors[2].second.view({-1})[0] = value;
    const auto file = saved(folder, tensors);
    const auto error = error_of(ErrorCode::kCheckpointCorrupt, [&] { automed::load_strict(*module, file); });
    CHECK(mentions(error, tensors[2].first));
  }
  auto tensors = automed::state_dict(*network());
  for (auto& item : tensors) {
    if (item.second.is_floating_point()) {
      item.second = torch::full(item.second.sizes(), std::numeric_limits<float>::max());  // the sum overflows
    }
  }
  automed::load_strict(*module, saved(folder, tensors));
}

TEST("checkpoint: half precision weights load into a float32 module") {
  const TemporaryFolder folder;
  auto a = network();
  auto tensors = automed::state_dict(*a);
  for (auto& item : tensors) {
    if (item.second.is_floating_point()) item.second = item.second.to(torch::kBFloat16);
  }
  auto b = network();
  automed::load_strict(*b, saved(folder, tensors));
  CHECK(b->parameters()[0].dtype() == torch::kFloat32);
  CHECK(automed::test::max_difference(a->parameters()[0], b->parameters()[0]) < 1e-2);
}
