#include "models/image_encoder.h"

#include "support/native_test.h"

namespace {

using automed::models::EncoderConfig;
using automed::models::ImageEncoder;

EncoderConfig small_config() {
  EncoderConfig config;
  config.image_size = 128;
  config.patch_size = 8;
  config.embed_dim = 96;
  config.depth = 2;
  config.heads = 2;
  config.window_size = 7;
  config.global_blocks = {1};
  config.out_channels = 16;
  config.adapter = true;
  return config;
}

}  // namespace

TEST("image encoder: packed for inference it computes what it computed, for one image and for several") {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  ImageEncoder encoder(small_config());
  encoder->eval();
  for (auto& parameter : encoder->parameters()) {
    if (parameter.abs().max().item<double>() == 0) parameter.normal_(0, 0.3);  // tables and biases
  }
  const torch::Tensor one = torch::randn({1, 3, 128, 128}), several = torch::randn({3, 3, 128, 128});
  const torch::Tensor expected_one = encoder->forward(one), expected_several = encoder->forward(several);
  // qkv, proj, lin1, lin2 and the adapter's two of each block.
  CHECK(encoder->pack(automed::nn::PackPolicy::kAlways) == 12);
  CHECK(torch::allclose(encoder->forward(one), expected_one, 1e-4, 1e-4));
  CHECK(torch::allclose(encoder->forward(several), expected_several, 1e-4, 1e-4));
  CHECK(encoder->forward(one).sub(encoder->forward(one * 0)).abs().max().item<double>() > 0.1);
}

TEST("image encoder: the answer stays, whatever measured packing chooses, and a second packing changes nothing") {
  torch::manual_seed(2);
  const torch::NoGradGuard no_grad;
  ImageEncoder encoder(small_config());
  encoder->eval();
  const torch::Tensor image = torch::randn({1, 3, 128, 128});
  const torch::Tensor expected = encoder->forward(image);
  encoder->pack(automed::nn::PackPolicy::kMeasured);
  encoder->pack(automed::nn::PackPolicy::kAlways);
  CHECK(encoder->pack(automed::nn::PackPolicy::kAlways) == 0);
  CHECK(torch::allclose(encoder->forward(image), expected, 1e-4, 1e-4));
}
