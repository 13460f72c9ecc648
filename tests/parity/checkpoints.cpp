// The same weights as Python's torch.save writes them and as safetensors: bit for bit.

#include <vector>

#include "core/pth_file.h"
#include "parity/fixtures.h"

namespace automed::parity {
namespace {

/// A torch.save file and the safetensors file of the same weights.
struct Twins {
  const char* pth;
  const char* safetensors;
};

constexpr Twins kTwins[] = {{"sam_tiny.pth", "sam_tiny"},
                            {"sam_tiny.legacy.pth", "sam_tiny"},
                            {"sam_med2d_tiny.pth", "sam_med2d_tiny"},
                            {"sam_med2d_tiny.optim_state.pth", "sam_med2d_tiny"}};

/// All tensors of a file as one row of bytes, in the order of the names.
torch::Tensor bytes_of(const WeightsSource& source) {
  std::vector<torch::Tensor> parts;
  for (const std::string& key : source.keys()) {
    parts.push_back(source.tensor(key).contiguous().flatten().view(torch::kUInt8));
  }
  return torch::cat(parts);
}

void compare_twins(const Context& context, const Twins& twins) {
  const PthFile pth = PthFile::open(context.folder + "/" + twins.pth);
  const SafetensorsFile expected = context.weights(twins.safetensors);
  if (pth.keys() != expected.keys()) return context.report.fail(twins.pth, "other names than its safetensors twin");
  for (const std::string& key : pth.keys()) {
    const torch::Tensor a = pth.tensor(key), b = expected.tensor(key);
    if (a.dtype() != b.dtype() || a.sizes() != b.sizes())
      return context.report.fail(twins.pth, key + " differs in kind");
  }
  constexpr Tolerance kExact = {0, 0};
  context.report.compare_without_input(std::string(twins.pth) + " " + std::string(pth.format()), bytes_of(pth),
                                       bytes_of(expected), kExact, "a file");
}

}  // namespace

std::vector<Fixture> checkpoint_fixtures() {
  std::vector<Fixture> fixtures;
  for (const Twins& twins : kTwins) {
    fixtures.push_back({twins.pth, [twins](const Context& context) { compare_twins(context, twins); }});
  }
  return fixtures;
}

}  // namespace automed::parity
