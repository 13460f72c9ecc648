#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/safetensors.h"
#include "models/config.h"
#include "parity/report.h"

namespace automed::parity {

/// Where fixtures lie, where models run, where results go.
struct Context {
  std::string folder;
  std::string own;  ///< of the fixtures that lie beside this program's sources
  torch::Device device;
  Report& report;

  SafetensorsFile weights(const std::string& name) const;
  /// The inputs and outputs recorded for `name`.
  SafetensorsFile io(const std::string& name) const;
  /// A recorded tensor on the device.
  torch::Tensor input(const SafetensorsFile& file, const std::string& name) const;
};

/// Classes of every classification fixture.
inline constexpr std::int64_t kClasses = 4;

/// One fixture: its name (`--only`) and the comparison of everything it records.
struct Fixture {
  std::string name;
  std::function<void(const Context&)> run;
};

std::vector<Fixture> block_fixtures();
std::vector<Fixture> sam_fixtures();
std::vector<Fixture> full_size_fixtures();
std::vector<Fixture> checkpoint_fixtures();
std::vector<Fixture> preset_fixtures();
std::vector<Fixture> preprocessing_fixtures();

/// uint8 [N, H, W, 3] -> float32 [N, 3, H, W], as both published models normalise.
torch::Tensor normalise(const torch::Tensor& pixels);

/// Architectures of the quarter-width fixtures.
models::SamConfig tiny_fixture_config(bool adapter);

/// Loads a module from the names of `file` that start with `prefix`, and prepares it for inference.
void load_for_inference(torch::nn::Module& module, const SafetensorsFile& file, const std::string& prefix,
                        const torch::Device& device);

}  // namespace automed::parity
