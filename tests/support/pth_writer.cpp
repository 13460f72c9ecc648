#include "support/pth_writer.h"

#include <cstring>
#include <limits>

#include "core/zip_archive.h"

namespace automed::test {
namespace {

template <typename T>
std::string bytes_of(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

constexpr const char* kLegacyMagicPickle = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

}  // namespace

PickleWriter& PickleWriter::text(const std::string& value) {
  return op('X').raw(bytes_of(static_cast<std::uint32_t>(value.size()))).raw(value);
}

PickleWriter& PickleWriter::integer(std::int64_t value) {
  if (value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max()) {
    return op('J').raw(bytes_of(static_cast<std::int32_t>(value)));
  }
  return raw("\x8a\x08").raw(bytes_of(value));
}

PickleWriter& PickleWriter::tuple(const std::vector<std::int64_t>& values) {
  op('(');
  for (const std::int64_t value : values) integer(value);
  return op('t');
}

PickleWriter& PickleWriter::global(const std::string& module, const std::string& name) {
  return op('c').raw(module + "\n" + name + "\n");
}

void write_state_dict(PickleWriter& pickle, const std::vector<PthTensor>& tensors, bool legacy) {
  pickle.ordered_dict().op('(');
  for (const PthTensor& tensor : tensors) {
    pickle.text(tensor.name);
    if (tensor.parameter) pickle.global("torch._utils", "_rebuild_parameter").op('(');
    pickle.global("torch._utils", "_rebuild_tensor_v2").op('(');
    pickle.op('(').text("storage").global("torch", tensor.storage_class).text(tensor.storage).text("cpu");
    pickle.integer(tensor.storage_size).raw(legacy ? "NtQ" : "tQ");
    pickle.integer(tensor.offset).tuple(tensor.sizes).tuple(tensor.strides).raw("\x89");
    pickle.ordered_dict().raw("tR");
    if (tensor.parameter) pickle.raw("\x88").ordered_dict().raw("tR");
  }
  pickle.op('u');
}

std::string state_dict_pickle(const std::vector<PthTensor>& tensors, bool legacy) {
  PickleWriter pickle;
  write_state_dict(pickle, tensors, legacy);
  return pickle.done();
}

std::string zip_of(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string bytes, directory;
  for (const auto& [name, content] : entries) {
    const auto offset = static_cast<std::uint32_t>(bytes.size());
    const auto size = static_cast<std::uint32_t>(content.size());
    const auto length = static_cast<std::uint16_t>(name.size());
    const std::string facts = bytes_of(crc32(content)) + bytes_of(size) + bytes_of(size) + bytes_of(length);
    // version, flags, method, time and date: all 0, which is "stored"
    bytes += "PK\3\4" + std::string(10, '\0') + facts + bytes_of(std::uint16_t{0}) + name + content;
    directory += "PK\1\2" + std::string(12, '\0') + facts + std::string(12, '\0') + bytes_of(offset) + name;
  }
  const auto count = bytes_of(static_cast<std::uint16_t>(entries.size()));
  const auto begin = bytes_of(static_cast<std::uint32_t>(bytes.size()));
  return bytes + directory + "PK\5\6" + std::string(4, '\0') + count + count +
         bytes_of(static_cast<std::uint32_t>(directory.size())) + begin + std::string(2, '\0');
}

std::string pth_zip(const std::string& pickle, const std::vector<std::pair<std::string, std::string>>& storages) {
  std::vector<std::pair<std::string, std::string>> entries = {{"a/data.pkl", pickle}, {"a/byteorder", "little"}};
  for (const auto& [key, bytes] : storages) entries.emplace_back("a/data/" + key, bytes);
  entries.emplace_back("a/version", "3\n");
  return zip_of(entries);
}

std::string pth_legacy(const std::string& pickle, const std::vector<LegacyStorage>& storages) {
  std::string bytes(kLegacyMagicPickle, 15);
  bytes += PickleWriter().integer(1001).done();
  bytes += PickleWriter().op('}').text("little_endian").raw("\x88s").done();
  bytes += pickle;
  PickleWriter keys;
  keys.raw("](");
  for (const LegacyStorage& storage : storages) keys.text(storage.key);
  bytes += keys.op('e').done();
  for (const LegacyStorage& storage : storages) bytes += bytes_of(storage.size) + storage.bytes;
  return bytes;
}

std::string floats(std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += bytes_of(static_cast<float>(i));
  return bytes;
}

}  // namespace automed::test
