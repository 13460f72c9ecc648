// The native side of `npm run bench:encoder` and of tests/gpu/check.sh; answers as encoder_reference.py does.
//
//   automed_bench WEIGHTS ARCHITECTURE.json IMAGE.f32 THREADS measured|plain|packed float32|bfloat16 [DEVICE BATCH]
//   automed_bench --init ARCHITECTURE.json WEIGHTS      writes random weights
//   automed_bench --train WEIGHTS ARCHITECTURE.json THREADS DEVICE BATCH     steps of the paper's SAM-AutoMed recipe
//
// `mobilenet` in place of ARCHITECTURE.json: the branch beside the encoder, on 256 x 256 pixels, as it serves.

#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "core/checkpoint.h"
#include "core/device.h"
#include "core/error.h"
#include "core/safetensors.h"
#include "models/mobilenet_v3.h"
#include "pipeline/loaded_model.h"
#include "train/trainer.h"

namespace {

using automed::nn::PackPolicy;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw automed::Error(automed::ErrorCode::kNotFound, "cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

PackPolicy parse_policy(const std::string& text) {
  if (text == "plain") return PackPolicy::kNever;
  if (text == "packed") return PackPolicy::kAlways;
  if (text == "measured") return PackPolicy::kMeasured;
  throw automed::Error(automed::ErrorCode::kInvalidArgument, "the kernels must be measured, plain or packed");
}

struct Arguments {
  std::string weights = {}, architecture = {}, image = {};
  int threads = 1;
  std::string kernels = {}, precision = {}, device = "cpu";
  std::int64_t batch = 1;
};

constexpr const char* kMobileNet = "mobilenet";
constexpr std::int64_t kMobileNetSize = 256;

/// What is timed: images B,3,S,S -> maps.
struct Network {
  std::int64_t size = 0;
  std::function<torch::Tensor(const torch::Tensor&)> encode;
};

Network load_mobilenet(const Arguments& arguments) {
  automed::models::MobileNetV3 network(automed::models::MobileNetConfig{});
  automed::load_strict(*network, automed::SafetensorsFile::open(arguments.weights));
  network->eval();
  automed::nn::Packer packer(parse_policy(arguments.kernels));
  automed::nn::fold_batch_norms(*network, packer);
  return {.size = kMobileNetSize, .encode = [network](const torch::Tensor& images) mutable {
            const c10::InferenceMode guard;
            return network->forward(images.contiguous(torch::MemoryFormat::ChannelsLast));
          }};
}

Network load(const Arguments& arguments, torch::Device device) {
  if (arguments.architecture == kMobileNet) return load_mobilenet(arguments);
  const auto base = automed::pipeline::LoadedBase::load(arguments.weights, read_file(arguments.architecture), device,
                                                        parse_policy(arguments.kernels),
                                                        automed::parse_precision(arguments.precision, device));
  return {.size = base->config().encoder.image_size,
          .encode = [base](const torch::Tensor& images) { return base->encode(images); }};
}

void init(const std::string& architecture, const std::string& weights) {
  if (architecture != kMobileNet) {
    automed::pipeline::init_base(read_file(architecture), 1, weights);
    return;
  }
  torch::manual_seed(1);
  const automed::models::MobileNetV3 network(automed::models::MobileNetConfig{});
  automed::save_safetensors(weights, automed::state_dict(*network));
}

using Clock = std::chrono::steady_clock;

/// Steps on random images, one for each line that is read.
int train(const Arguments& arguments) {
  at::set_num_threads(arguments.threads);
  automed::train::TrainerOptions options;
  options.device = arguments.device;
  options.base_architecture = read_file(arguments.architecture);
  options.base_weights_path = arguments.weights;
  options.head_architecture = R"({"kind":"sam-automed","mobilenet":{"width":1,"se":"improved"}})";
  options.batch_size = arguments.batch;
  options.cache_path = arguments.weights + ".samples";
  automed::train::Trainer trainer(options);
  const std::int64_t size = automed::models::parse_sam_config(options.base_architecture).encoder.image_size;
  const torch::Tensor mask = torch::zeros({size, size}, torch::kUInt8);
  mask.narrow(0, 0, size / 8).fill_(1);
  for (std::int64_t i = 0; i < arguments.batch; ++i) {
    const torch::Tensor pixels = torch::randint(0, 256, {size, size, 3}, torch::kUInt8);
    trainer.add_segmentation_sample(automed::train::Split::kTrain,
                                    {.data = pixels.data_ptr<std::uint8_t>(),
                                     .size_bytes = pixels.nbytes(),
                                     .width = size,
                                     .height = size,
                                     .channels = 3},
                                    mask.data_ptr<std::uint8_t>(), mask.nbytes());
  }
  trainer.train(1);
  std::cout << R"({"name":"native"})" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto begin = Clock::now();
    const double loss = trainer.train(1).loss;  // on the CPU, so that the step has been computed
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    std::cout << R"({"ms":)" << ms << R"(,"loss":)" << loss << "}" << std::endl;
  }
  return 0;
}

int run(const Arguments& arguments) {
  at::set_num_threads(arguments.threads);
  const torch::Device device = automed::parse_device(arguments.device);
  const Network network = load(arguments, device);
  const std::int64_t size = network.size;
  std::string pixels = read_file(arguments.image);
  const torch::Tensor images =
      torch::from_blob(pixels.data(), {1, 3, size, size}).repeat({arguments.batch, 1, 1, 1}).to(device);
  // What comes back to the CPU has been computed.
  const auto encode = [&] { return network.encode(images).to(torch::kCPU).contiguous(); };
  encode();
  std::cout << R"({"name":"native"})" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto begin = Clock::now();
    const std::clock_t cpu = std::clock();  // of all threads
    const torch::Tensor embedding = encode();
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    const double cpu_ms = 1000.0 * static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
    if (!line.empty()) {
      std::ofstream(line, std::ios::binary)
          .write(static_cast<const char*>(embedding.data_ptr()), static_cast<std::streamsize>(embedding.nbytes()));
    }
    std::cout << R"({"ms":)" << ms << R"(,"cpu_ms":)" << cpu_ms << "}" << std::endl;
  }
  return 0;
}

}  // namespace

constexpr const char* kUsage =
    "usage: automed_bench WEIGHTS ARCHITECTURE.json IMAGE.f32 THREADS measured|plain|packed float32|bfloat16 [DEVICE "
    "BATCH]\n       automed_bench --init ARCHITECTURE.json WEIGHTS\n"
    "       automed_bench --train WEIGHTS ARCHITECTURE.json THREADS DEVICE BATCH\n";

int main(int argc, char** argv) {
  const std::vector<std::string> given(argv + 1, argv + argc);
  try {
    if (given.size() == 3 && given[0] == "--init") {
      init(given[1], given[2]);
      return 0;
    }
    if (given.size() == 6 && given[0] == "--train") {
      return train({.weights = given[1],
                    .architecture = given[2],
                    .threads = std::stoi(given[3]),
                    .device = given[4],
                    .batch = std::stoll(given[5])});
    }
    if (given.size() != 6 && given.size() != 8) {
      std::fputs(kUsage, stderr);
      return 2;
    }
    Arguments arguments{.weights = given[0],
                        .architecture = given[1],
                        .image = given[2],
                        .threads = std::stoi(given[3]),
                        .kernels = given[4],
                        .precision = given[5]};
    if (given.size() == 8) {
      arguments.device = given[6];
      arguments.batch = std::stoll(given[7]);
    }
    return run(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "automed_bench: %s\n", error.what());
    return 1;
  }
}
