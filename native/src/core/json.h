#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.h"

// Why not nlohmann/json: set-up would have to install its header on every machine. It is in neither npm nor the wheel
// of LibTorch, Debian's package needs root, and there is no fetching while the native code is built. Its SAX interface
// would also leave the limits below, keys that occur twice, and the errors to code of ours.

namespace automed::json {

class Value;
using Array = std::vector<Value>;
using Object = std::map<std::string, Value, std::less<>>;

/// What untrusted text may cost, and the error that breaking a rule raises.
struct Limits {
  std::size_t max_bytes = 16u << 20;
  int max_depth = 32;
  ErrorCode code = ErrorCode::kInvalidArgument;
  /// How messages name the text, e.g. `the checkpoint's header`.
  std::string subject = "the JSON text";
};

/// One JSON value. Integers that fit into 64 bits stay integers; every other number is a double.
class Value {
 public:
  using Storage = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object>;

  Value() = default;
  explicit Value(Storage storage) : storage_(std::move(storage)) {}

  /// The content when it has that type, else null.
  template <typename T>
  const T* get_if() const {
    return std::get_if<T>(&storage_);
  }
  bool is_null() const { return std::holds_alternative<std::nullptr_t>(storage_); }

 private:
  Storage storage_ = nullptr;
};

/// Reads one JSON document (RFC 8259) and nothing after it but white space. Strict: no comments, no trailing commas,
/// valid UTF-8, each key once per object, no numbers that overflow. Throws automed::Error with `limits.code`.
Value parse(std::string_view text, const Limits& limits = {});

/// `text` as a JSON string literal, quotes included.
std::string quote(std::string_view text);

}  // namespace automed::json
