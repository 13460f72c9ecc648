#include "parity/fixtures.h"

#include "core/checkpoint.h"

namespace automed::parity {

SafetensorsFile Context::weights(const std::string& name) const {
  return SafetensorsFile::open(folder + "/" + name + ".safetensors");
}

SafetensorsFile Context::io(const std::string& name) const {
  return SafetensorsFile::open(folder + "/" + name + ".io.safetensors");
}

torch::Tensor Context::input(const SafetensorsFile& file, const std::string& name) const {
  return file.tensor(name).to(device);
}

torch::Tensor normalise(const torch::Tensor& pixels) {
  const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(pixels.device());
  const torch::Tensor mean = torch::tensor({123.675, 116.28, 103.53}, options);
  const torch::Tensor deviation = torch::tensor({58.395, 57.12, 57.375}, options);
  return ((pixels.to(torch::kFloat32) - mean) / deviation).permute({0, 3, 1, 2}).contiguous();
}

models::SamConfig tiny_fixture_config(bool adapter) {
  return {.encoder = {.image_size = 256,
                      .patch_size = 16,
                      .embed_dim = 96,
                      .depth = 4,
                      .heads = 3,
                      .window_size = 14,
                      .global_blocks = {1, 3},
                      .out_channels = 32,
                      .adapter = adapter},
          .decoder = {.depth = 2, .heads = 4, .mlp_dim = 64, .iou_hidden = 32}};
}

void load_for_inference(torch::nn::Module& module, const SafetensorsFile& file, const std::string& prefix,
                        const torch::Device& device) {
  load_strict(module, file, prefix);
  module.to(device);
  module.eval();
}

}  // namespace automed::parity
