#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace automed::pickle {

/// Index of a value in its Tree.
using Id = std::uint32_t;

struct None {};
/// UTF-8 as the file has it; not checked. Strings of Python 2 too.
struct Text {
  std::string_view value;
};
struct Bytes {
  std::string_view value;
};
/// An integer of more than 64 bits: two's complement, little endian.
struct LongInteger {
  std::string_view value;
};
/// Also lists and sets.
struct Sequence {
  std::vector<Id> items;
};
struct Dict {
  std::vector<std::pair<Id, Id>> items;
};
/// A class or function by name; nothing is looked up.
struct Global {
  std::string_view module, name;
};
/// What Python would have built by calling `callable`. Nothing is called: a reader that knows the callable may make
/// sense of the arguments and of the items set afterwards; state and appended items are dropped.
struct Object {
  Id callable, arguments;
  std::vector<std::pair<Id, Id>> items;
};
/// A reference to something stored outside the pickle.
struct Persistent {
  Id id;
};

using Value = std::variant<None, bool, std::int64_t, double, Text, Bytes, LongInteger, Sequence, Dict, Global, Object,
                           Persistent>;

/// What untrusted bytes may cost. A state dict of ViT-H with its optimiser has some 50 000 values.
struct Limits {
  std::size_t max_values = 1u << 20;
  std::size_t max_operations = 1u << 22;
};

/// The values of one pickle. Flat, so that deep nesting costs no recursion; values may refer to each other in cycles.
/// Views point into the bytes that were read.
struct Tree {
  std::vector<Value> values;
  Id root = 0;
  std::size_t end = 0;  ///< offset of the first byte after the pickle

  template <typename T>
  const T* get_if(Id id) const {
    return std::get_if<T>(&values[id]);
  }
};

/// Reads the pickle that begins at `bytes[begin]` (protocols 2 to 5) and executes nothing: it is a parser of a
/// language of pushes and pops. Malformed, unknown or over-sized input is Error(kCheckpointCorrupt).
Tree read(std::string_view bytes, std::size_t begin = 0, const Limits& limits = {});

}  // namespace automed::pickle
