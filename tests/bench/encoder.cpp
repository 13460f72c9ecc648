// The native side of `npm run bench:encoder`; answers as encoder_reference.py does.
//
//   automed_bench WEIGHTS ARCHITECTURE.json IMAGE.f32 THREADS measured|plain|packed

#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

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

int run(const std::string& weights, const std::string& architecture, const std::string& image_path, int threads,
        const std::string& policy) {
  using Clock = std::chrono::steady_clock;
  at::set_num_threads(threads);
  const auto base =
      automed::pipeline::LoadedBase::load(weights, read_file(architecture), torch::kCPU, parse_policy(policy));
  const std::int64_t size = base->config().encoder.image_size;
  std::string pixels = read_file(image_path);
  const torch::Tensor image = torch::from_blob(pixels.data(), {1, 3, size, size});
  base->encode(image);
  std::cout << R"({"name":"native"})" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto begin = Clock::now();
    const std::clock_t cpu = std::clock();  // of all threads
    const torch::Tensor embedding = base->encode(image).contiguous();
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

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs("usage: automed_bench WEIGHTS ARCHITECTURE.json IMAGE.f32 THREADS measured|plain|packed\n", stderr);
    return 2;
  }
  try {
    return run(argv[1], argv[2], argv[3], std::stoi(argv[4]), argv[5]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "automed_bench: %s\n", error.what());
    return 1;
  }
}
