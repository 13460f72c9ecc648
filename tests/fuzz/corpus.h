#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace automed::fuzz {

/// One file to read, and how it was made.
struct Sample {
  std::string kind;
  std::string bytes;
};

/// Hostile .pth files, drawn one after the other: the same seed gives the same files. Some are well-formed files that
/// were damaged (anywhere, or in the pickle behind a right checksum, or in their numbers), some are noise that begins
/// well, some are made to cost memory or stack.
class Corpus {
 public:
  /// `originals`: contents of real files that are damaged too; may be empty.
  Corpus(std::uint64_t seed, std::vector<std::string> originals);

  Sample next();

 private:
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  std::int64_t hostile_number();
  std::string well_formed();
  void damage(std::string& bytes, std::size_t from, std::size_t to);
  Sample damaged_original();
  Sample damaged_pickle();
  Sample hostile_numbers();
  Sample opcode_noise();
  Sample exhausting();
  Sample aliasing();

  std::mt19937_64 random_;
  std::vector<std::string> originals_;
};

enum class Outcome { kRead, kRefused };

/// Opens the file as an import does and reads every tensor of it. Refused is an automed::Error of one of the two codes
/// that a bad file may have; any other exception passes. `why` gets the error's text.
Outcome read_everything(const std::string& path, std::string* why = nullptr);

}  // namespace automed::fuzz
