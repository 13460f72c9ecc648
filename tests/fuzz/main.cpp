// automed_fuzz [--seed N] [--count N] [FILE...]: reads hostile .pth files, best built with AUTOMED_SANITIZE. Files that
// are named are read as they are, each with its verdict, and then damaged along with the made ones. Ends with 1 when a
// read ends in anything but a value or a typed error.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/corpus.h"

namespace {

using automed::fuzz::Outcome;

struct Arguments {
  std::uint64_t seed = 1;
  std::size_t count = 20'000;
  std::vector<std::string> files;
};

Arguments parse(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view flag = values[i];
    if ((flag == "--seed" || flag == "--count") && i + 1 < count) {
      const auto number = std::strtoull(values[++i], nullptr, 10);
      (flag == "--seed" ? arguments.seed : arguments.count) = number;
    } else if (flag.starts_with("--")) {
      std::fputs("usage: automed_fuzz [--seed N] [--count N] [FILE...]\n", stderr);
      std::exit(2);
    } else {
      arguments.files.emplace_back(flag);
    }
  }
  return arguments;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int run(const Arguments& arguments) {
  std::vector<std::string> originals;
  for (const std::string& path : arguments.files) {
    std::string why;
    const bool read = automed::fuzz::read_everything(path, &why) == Outcome::kRead;
    std::printf("%s: %s\n", path.c_str(), read ? "read" : why.c_str());
    originals.push_back(content(path));
  }
  automed::fuzz::Corpus corpus(arguments.seed, std::move(originals));
  const auto file =
      std::filesystem::temp_directory_path() / ("automed-fuzz-" + std::to_string(arguments.seed) + ".pth");
  std::map<std::string, std::pair<std::size_t, std::size_t>> tally;  // kind -> read, refused
  double slowest = 0;
  for (std::size_t i = 0; i < arguments.count; ++i) {
    const automed::fuzz::Sample sample = corpus.next();
    std::ofstream(file, std::ios::binary) << sample.bytes;
    const std::clock_t begin = std::clock();
    const bool read = automed::fuzz::read_everything(file.string()) == Outcome::kRead;
    slowest = std::max(slowest, 1000.0 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    ++(read ? tally[sample.kind].first : tally[sample.kind].second);
  }
  std::filesystem::remove(file);
  for (const auto& [kind, counts] : tally) {
    std::printf("%-32s %7zu read %7zu refused\n", kind.c_str(), counts.first, counts.second);
  }
  std::printf("%zu files, slowest read %.1f ms of processor time\n", arguments.count, slowest);
  return 0;
}

}  // namespace

int main(int count, char** values) {
  try {
    return run(parse(count, values));
  } catch (const std::exception& error) {
    // The offending file stays where it is, for a closer look.
    std::fprintf(stderr, "automed_fuzz: %s\n", error.what());
    return 1;
  }
}
