#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// Writes files as torch.save does, and such as it never would: every number is the caller's.

namespace automed::test {

/// A pickle of protocol 2, operation by operation.
class PickleWriter {
 public:
  PickleWriter() { raw("\x80\x02"); }

  PickleWriter& raw(const std::string& bytes) {
    bytes_ += bytes;
    return *this;
  }
  PickleWriter& op(char code) { return raw(std::string(1, code)); }
  PickleWriter& text(const std::string& value);
  PickleWriter& integer(std::int64_t value);
  PickleWriter& tuple(const std::vector<std::int64_t>& values);
  PickleWriter& global(const std::string& module, const std::string& name);
  /// collections.OrderedDict()
  PickleWriter& ordered_dict() { return global("collections", "OrderedDict").raw(")R"); }
  /// With the STOP that ends it.
  std::string done() const { return bytes_ + "."; }

 private:
  std::string bytes_;
};

struct PthTensor {
  std::string name;
  std::string storage_class = "FloatStorage";
  std::string storage = "0";
  std::int64_t storage_size = 4;
  std::int64_t offset = 0;
  std::vector<std::int64_t> sizes = {2, 2};
  std::vector<std::int64_t> strides = {2, 1};
  bool parameter = false;  ///< wrapped as torch.nn.Parameter
};

/// The state dict as one value.
void write_state_dict(PickleWriter& pickle, const std::vector<PthTensor>& tensors, bool legacy = false);
std::string state_dict_pickle(const std::vector<PthTensor>& tensors, bool legacy = false);

/// A zip archive of stored entries.
std::string zip_of(const std::vector<std::pair<std::string, std::string>>& entries);
/// `a/data.pkl`, `a/byteorder` and `a/data/KEY` of each storage.
std::string pth_zip(const std::string& pickle, const std::vector<std::pair<std::string, std::string>>& storages);

struct LegacyStorage {
  std::string key;
  std::int64_t size;  ///< elements, as declared in front of the bytes
  std::string bytes;
};

std::string pth_legacy(const std::string& pickle, const std::vector<LegacyStorage>& storages);

/// Little-endian bytes of floats 0, 1, 2, ...
std::string floats(std::size_t count);

}  // namespace automed::test
