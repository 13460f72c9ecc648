// automed_native_tests [WORD]: runs every test, or those whose sentence contains WORD.

#include <stdlib.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/vector_math.h"
#include "support/native_test.h"

namespace automed::test {

std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "automed-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw Failure("cannot make a temporary folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TemporaryFolder::names() const {
  std::vector<std::string> result;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    result.push_back(entry.path().filename().string());
  }
  return result;
}

FileSizeLimit::FileSizeLimit(std::size_t bytes) {
  if (::getrlimit(RLIMIT_FSIZE, &old_) != 0) throw Failure("cannot read the limit on the size of files");
  old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{bytes, old_.rlim_max};
  if (::setrlimit(RLIMIT_FSIZE, &small) != 0) throw Failure("cannot limit the size of files");
}

FileSizeLimit::~FileSizeLimit() {
  ::setrlimit(RLIMIT_FSIZE, &old_);
  std::signal(SIGXFSZ, old_handler_);
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace automed::test

int main(int count, char** values) {
  using namespace automed::test;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // what ran before a crash is on the screen
  automed::resolve_vector_math();
  int passed = 0, failed = 0, skipped = 0;
  for (const Case& test : cases()) {
    if (count > 1 && std::strstr(test.sentence, values[1]) == nullptr) continue;
    torch::manual_seed(7);
    std::string why;
    try {
      test.run();
      ++passed;
      std::printf("ok      %s\n", test.sentence);
      continue;
    } catch (const Skip& skip) {
      ++skipped;
      std::printf("skipped %s: %s\n", test.sentence, skip.what());
      continue;
    } catch (const c10::Error& error) {
      why = error.what_without_backtrace();
    } catch (const std::exception& error) {
      why = error.what();
    }
    ++failed;
    std::printf("FAILED  %s: %s\n", test.sentence, why.c_str());
  }
  if (skipped > 0) std::printf("%d skipped\n", skipped);
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
