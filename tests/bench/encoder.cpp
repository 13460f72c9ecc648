// The native side of `npm run bench:encoder` and of tests/gpu/check.sh; answers as encoder_reference.py does.
//
//   automed_bench WEIGHTS ARCHITECTURE.json IMAGE.f32 THREADS measured|plain|packed float32|bfloat16 [DEVICE BATCH]
//   automed_bench --init ARCHITECTURE.json WEIGHTS      writes random weights

#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/error.h"
#include "pipeline/loaded_model.h"

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
  std::string weights, architecture, image;
  int threads = 1;
  std::string kernels, precision, device = "cpu";
  std::int64_t batch = 1;
};

int run(const Arguments& arguments) {
  using Clock = std::chrono::steady_clock;
  at::set_num_threads(arguments.threads);
  const torch::Device device = automed::parse_device(arguments.device);
  const auto base = automed::pipeline::LoadedBase::load(arguments.weights, read_file(arguments.architecture), device,
                                                        parse_policy(arguments.kernels),
                                                        automed::parse_precision(arguments.precision, device));
  const std::int64_t size = base->config().encoder.image_size;
  std::string pixels = read_file(arguments.image);
  const torch::Tensor images =
      torch::from_blob(pixels.data(), {1, 3, size, size}).repeat({arguments.batch, 1, 1, 1}).to(device);
  // What comes back to the CPU has been computed.
  const auto encode = [&] { return base->encode(images).to(torch::kCPU).contiguous(); };
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
    "BATCH]\n       automed_bench --init ARCHITECTURE.json WEIGHTS\n";

int main(int argc, char** argv) {
  const std::vector<std::string> given(argv + 1, argv + argc);
  try {
    if (given.size() == 3 && given[0] == "--init") {
      automed::pipeline::init_base(read_file(given[1]), 1, given[2]);
      return 0;
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
