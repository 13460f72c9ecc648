#include "core/pth_file.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/file_mapping.h"
#include "core/json.h"
#include "core/pickle.h"
#include "core/torch_pickle.h"
#include "core/zip_archive.h"

namespace automed {
namespace {

constexpr std::string_view kKind = ".pth file";
constexpr std::string_view kZipStart = "PK\3\4";
/// The legacy format's first pickle: its magic number, 0x1950a86a20f9469cfc6c, behind an opcode and its length.
constexpr std::string_view kLegacyMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr std::int64_t kLegacyVersion = 1001;
constexpr std::size_t kMaxPreamble = 32;  // of a pickle of any protocol, in front of its first value
constexpr std::uint32_t kNoChecksum = 0;  // what torch.save writes when its checksums are turned off
constexpr std::size_t kMaxPickleBytes = 64u << 20;
/// Tensors may share storages, as tied weights do; a file whose tensors were this many times larger than itself would
/// be made to fill memory.
constexpr std::size_t kMaxSharing = 8;
constexpr std::size_t kAlwaysShared = std::size_t{64} << 20;  // whatever the size of the file

[[noreturn]] void damaged(const std::string& what) {
  throw Error(ErrorCode::kCheckpointCorrupt, "the .pth file " + what);
}

}  // namespace

struct PthFile::Content {
  /// Where a storage lies, and the checksum that its bytes must have where the format knows one.
  struct Storage {
    std::size_t begin = 0;
    std::size_t size = 0;
    std::optional<std::uint32_t> crc;
    std::atomic<bool> checked = false;
  };

  std::string_view format;
  std::shared_ptr<const FileMapping> mapping;
  PickledStateDict state;
  std::map<std::string_view, Storage> storages;  ///< by key; those that the state dict refers to

  void read_zip();
  void read_legacy();
  /// False when the key is taken.
  bool add_storage(std::string_view key, std::size_t begin, std::size_t size, std::optional<std::uint32_t> crc) {
    const auto [position, added] = storages.try_emplace(key);
    if (added) {
      position->second.begin = begin;
      position->second.size = size;
      position->second.crc = crc;
    }
    return added;
  }
  void check_sizes() const;
  void check_crc(Storage& storage) const;
};

namespace {

/// `NAME/data.pkl`, for the one NAME that all entries share.
std::pair<std::string_view, ZipEntry> find_pickle(const ZipArchive& archive) {
  constexpr std::string_view kPickle = "/data.pkl";
  for (const auto& [name, entry] : archive.entries()) {
    const std::size_t slash = name.find('/');
    if (slash != std::string_view::npos && name.substr(slash) == kPickle) return {name.substr(0, slash + 1), entry};
  }
  damaged("has no data.pkl");
}

void check_zip_kind(const ZipArchive& archive, const std::string& prefix) {
  const ZipEntry* order = archive.find(prefix + "byteorder");
  if (order != nullptr && archive.content(*order) != "little") {
    throw Error(ErrorCode::kCheckpointMismatch, "the .pth file is of a machine with the other byte order");
  }
  if (archive.find(prefix + "constants.pkl") != nullptr) {
    throw Error(
        ErrorCode::kCheckpointMismatch,
        "the .pth file is a TorchScript program; save its weights alone: torch.save(module.state_dict(), FILE)");
  }
}

/// The legacy format's small pickles in front of the state: magic number, version, description of the machine.
std::size_t read_legacy_header(std::string_view bytes) {
  std::size_t at = pickle::read(bytes).end;
  const pickle::Tree version = pickle::read(bytes, at);
  const auto* number = version.get_if<std::int64_t>(version.root);
  if (number == nullptr || *number != kLegacyVersion) damaged("is of an unknown version of the legacy format");
  const pickle::Tree machine = pickle::read(bytes, version.end);
  const auto* facts = machine.get_if<pickle::Dict>(machine.root);
  if (facts == nullptr) damaged("does not describe its machine");
  for (const auto& [key, value] : facts->items) {
    const auto* name = machine.get_if<pickle::Text>(key);
    const auto* flag = machine.get_if<bool>(value);
    if (name != nullptr && name->value == "little_endian" && flag != nullptr && !*flag) {
      throw Error(ErrorCode::kCheckpointMismatch, "the .pth file is of a machine with the other byte order");
    }
  }
  return machine.end;
}

}  // namespace

void PthFile::Content::read_zip() {
  format = "PyTorch zip";
  const ZipArchive archive(mapping->bytes());
  const auto [prefix_view, entry] = find_pickle(archive);
  const std::string prefix(prefix_view);
  check_zip_kind(archive, prefix);
  const std::string_view bytes = archive.content(entry);
  if (bytes.size() > kMaxPickleBytes) damaged("has a pickle of more than 64 MB");
  if (entry.crc != kNoChecksum && crc32(bytes) != entry.crc) damaged("has a pickle whose checksum is wrong");
  state = find_state_dict(pickle::read(bytes));
  for (const auto& [name, tensor] : state.tensors) {
    if (storages.contains(tensor.storage)) continue;
    const ZipEntry* found = archive.find(prefix + "data/" + std::string(tensor.storage));
    if (found == nullptr) damaged("lacks the storage of " + json::quote(name.substr(0, 120)));
    add_storage(tensor.storage, found->begin, found->size, found->crc);
  }
}

void PthFile::Content::read_legacy() {
  format = "PyTorch legacy";
  const std::string_view bytes = mapping->bytes();
  const pickle::Tree tree = pickle::read(bytes, read_legacy_header(bytes));
  state = find_state_dict(tree);
  const auto known = find_storages(tree);
  const pickle::Tree keys = pickle::read(bytes, tree.end);
  const auto* list = keys.get_if<pickle::Sequence>(keys.root);
  if (list == nullptr) damaged("has no list of storages");
  std::size_t at = keys.end;
  for (const pickle::Id id : list->items) {
    const auto* key = keys.get_if<pickle::Text>(id);
    const auto position = key == nullptr ? known.end() : known.find(key->value);
    if (position == known.end()) damaged("has a storage that nothing refers to");
    const auto& [dtype, size] = position->second;
    std::int64_t declared = 0;
    if (bytes.size() - at < sizeof declared) damaged("ends before its storages do");
    std::memcpy(&declared, bytes.data() + at, sizeof declared);
    if (declared != size) damaged("has a storage of two sizes");
    at += sizeof declared;
    const std::size_t length = static_cast<std::size_t>(size) * c10::elementSize(dtype);
    if (length > bytes.size() - at) damaged("ends before its storages do");
    if (!add_storage(position->first, at, length, std::nullopt)) damaged("has a storage twice");
    at += length;
  }
  if (at != bytes.size()) damaged("has bytes that belong to nothing");
}

/// Every tensor within its storage's bytes, and all together in proportion to the file.
void PthFile::Content::check_sizes() const {
  const std::size_t most = std::max(kMaxSharing * mapping->size(), kAlwaysShared);
  std::size_t total = 0;
  for (const auto& [name, tensor] : state.tensors) {
    const auto position = storages.find(tensor.storage);
    if (position == storages.end()) damaged("lacks the storage of " + json::quote(name.substr(0, 120)));
    const std::size_t element = c10::elementSize(tensor.dtype);
    if (static_cast<std::size_t>(tensor.storage_size) > position->second.size / element) {
      damaged("has a storage smaller than it says for " + json::quote(name.substr(0, 120)));
    }
    const std::size_t bytes = byte_count(tensor.sizes, element).value_or(0);
    if (bytes > most - total) damaged("names the same bytes too often");
    total += bytes;
  }
}

void PthFile::Content::check_crc(Storage& storage) const {
  if (!storage.crc || *storage.crc == kNoChecksum || storage.checked.load(std::memory_order_relaxed)) return;
  if (!mapping->still_complete()) damaged("has been cut while it was in use");
  if (crc32(mapping->bytes().substr(storage.begin, storage.size)) != *storage.crc) {
    damaged("has weights whose checksum is wrong");
  }
  storage.checked.store(true, std::memory_order_relaxed);
}

bool PthFile::recognises(std::string_view bytes) {
  const bool legacy =
      bytes.starts_with('\x80') && bytes.substr(0, kMaxPreamble).find(kLegacyMagic) != std::string_view::npos;
  return legacy || bytes.starts_with(kZipStart);
}

PthFile PthFile::open(const std::string& path) {
  auto content = std::make_shared<Content>();
  content->mapping = FileMapping::open(path, std::string(kKind));
  const std::string_view bytes = content->mapping->bytes();
  if (!recognises(bytes)) damaged("does not begin as torch.save's files do");
  if (bytes.starts_with(kZipStart)) {
    content->read_zip();
  } else {
    content->read_legacy();
  }
  content->check_sizes();
  return PthFile(std::move(content));
}

std::string_view PthFile::format() const {
  return content_->format;
}

bool PthFile::contains(const std::string& name) const {
  return content_->state.tensors.contains(name);
}

std::vector<std::string> PthFile::keys() const {
  std::vector<std::string> names;
  names.reserve(content_->state.tensors.size());
  for (const auto& item : content_->state.tensors) names.push_back(item.first);
  return names;
}

torch::Tensor PthFile::tensor(const std::string& name) const {
  const auto position = content_->state.tensors.find(name);
  if (position == content_->state.tensors.end()) {
    throw Error(ErrorCode::kNotFound, "the .pth file holds no tensor " + json::quote(name.substr(0, 120)));
  }
  const PickledTensor& tensor = position->second;
  Content::Storage& storage = content_->storages.at(tensor.storage);
  content_->check_crc(storage);
  const std::size_t begin = storage.begin + static_cast<std::size_t>(tensor.offset) * c10::elementSize(tensor.dtype);
  return view_of(content_->mapping, {begin, tensor.dtype, tensor.sizes, tensor.strides}, std::string(kKind), name);
}

std::vector<std::string> PthFile::left_out() const {
  return content_->state.left_out;
}

}  // namespace automed
