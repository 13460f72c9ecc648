// Decodes DICOM files of 16 bits with GDCM, as many at a time as it is told: once for each line of its input, which it
// answers with the milliseconds that took, those of the processor, and a sum of some of the samples. Built and driven
// by decode.ts.
//
//   gdcm_decode THREADS FILE...

#include <gdcmImageReader.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace {

/// Samples of one file as GDCM decodes them, every 997th added up; ends the program for a file that it cannot decode.
std::int64_t decode(const std::string& path) {
  gdcm::ImageReader reader;
  reader.SetFileName(path.c_str());
  if (!reader.Read()) {
    std::fprintf(stderr, "%s is not read\n", path.c_str());
    std::exit(1);
  }
  const gdcm::Image& image = reader.GetImage();
  std::vector<char> pixels(image.GetBufferLength());
  if (!image.GetBuffer(pixels.data())) {
    std::fprintf(stderr, "%s is not decoded\n", path.c_str());
    std::exit(1);
  }
  const auto* samples = reinterpret_cast<const std::int16_t*>(pixels.data());
  std::int64_t sum = 0;
  for (std::size_t at = 0; at < pixels.size() / sizeof(std::int16_t); at += 997) sum += samples[at];
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const int threads = std::atoi(argv[1]);
  const std::vector<std::string> files(argv + 2, argv + argc);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::atomic<std::size_t> next{0};
    std::atomic<std::int64_t> sum{0};
    const auto begin = std::chrono::steady_clock::now();
    const std::clock_t used = std::clock();
    {
      std::vector<std::jthread> workers;
      for (int thread = 0; thread < threads; ++thread) {
        workers.emplace_back([&] {
          for (std::size_t at = next++; at < files.size(); at = next++) sum += decode(files[at]);
        });
      }
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    const double cpu_ms = 1000.0 * static_cast<double>(std::clock() - used) / CLOCKS_PER_SEC;
    std::cout << took.count() << ' ' << cpu_ms << ' ' << sum.load() << std::endl;
  }
}
