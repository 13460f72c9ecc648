#pragma once

#include <sys/resource.h>
#include <torch/torch.h>

#include <exception>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"

// A test is a sentence and a function: TEST("rejects a point outside the image") { ... }
// CHECK ends the test at the first failure; the program prints every sentence and ends with "N passed, N failed".

namespace automed::test {

struct Failure : std::exception {
  explicit Failure(std::string text) : message(std::move(text)) {}
  const char* what() const noexcept override { return message.c_str(); }
  std::string message;
};

/// Thrown by tests that cannot run here; counted and printed with its reason.
struct Skip : Failure {
  using Failure::Failure;
};

struct Case {
  const char* sentence;
  void (*run)();
};

std::vector<Case>& cases();

struct Registration {
  Registration(const char* sentence, void (*run)()) { cases().push_back({sentence, run}); }
};

inline void check(bool condition, const char* text, const char* file, int line) {
  if (condition) return;
  std::ostringstream message;
  message << std::filesystem::path(file).filename().string() << ":" << line << ": " << text;
  throw Failure(message.str());
}

/// Runs `action` and returns its error, which must be an automed::Error with that code.
inline Error error_of(ErrorCode code, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    if (error.code() == code) return error;
    throw Failure("expected " + std::string(name_of(code)) + ", got " + std::string(name_of(error.code())) + ": " +
                  error.what());
  }
  throw Failure("expected " + std::string(name_of(code)) + ", got no error");
}

inline double max_difference(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes()) throw Failure("shapes differ");
  return a.numel() == 0 ? 0 : (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

/// A folder that disappears with the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  /// Names of everything in it, hidden files included.
  std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
};

/// Stands in for a full disk while it lives: no file of this process grows beyond so many bytes, and the kernel stops a
/// write half-way where a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::size_t bytes);
  ~FileSizeLimit();
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

void write_bytes(const std::string& path, const std::string& bytes);
std::string read_bytes(const std::string& path);

}  // namespace automed::test

#define AUTOMED_TEST_JOIN(a, b) a##b
#define AUTOMED_TEST_NAMED(sentence, id)                                               \
  static void AUTOMED_TEST_JOIN(automed_test_, id)();                                  \
  static const automed::test::Registration AUTOMED_TEST_JOIN(automed_test_entry_, id)( \
      sentence, AUTOMED_TEST_JOIN(automed_test_, id));                                 \
  static void AUTOMED_TEST_JOIN(automed_test_, id)()
#define AUTOMED_TEST_AT(sentence, id) AUTOMED_TEST_NAMED(sentence, id)
#define TEST(sentence) AUTOMED_TEST_AT(sentence, __COUNTER__)
// torch defines a CHECK of its own in some headers.
#undef CHECK
#define CHECK(condition) automed::test::check(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
