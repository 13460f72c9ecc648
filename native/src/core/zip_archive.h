#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>

namespace automed {

/// Checksum of zip files (ISO 3309, reflected polynomial 0xEDB88320).
std::uint32_t crc32(std::string_view bytes);

/// One stored file of an archive.
struct ZipEntry {
  std::size_t begin;  ///< of its content, from the start of the archive
  std::size_t size;
  std::uint32_t crc;  ///< as declared; see crc32()
};

/// The directory of a zip archive (APPNOTE 6.3, zip64 included) that lies in memory, as torch.save writes it: entries
/// are stored, not compressed, so that each can be read in place. The views point into the archive's bytes.
class ZipArchive {
 public:
  /// Checks every offset and size: entries lie within the archive, do not overlap, and have distinct names. Anything
  /// else, compression and encryption included, is Error(kCheckpointCorrupt). Contents are not looked at.
  explicit ZipArchive(std::string_view bytes);

  const ZipEntry* find(std::string_view name) const;
  const std::map<std::string_view, ZipEntry>& entries() const { return entries_; }
  std::string_view content(const ZipEntry& entry) const { return bytes_.substr(entry.begin, entry.size); }

 private:
  std::string_view bytes_;
  std::map<std::string_view, ZipEntry> entries_;
};

}  // namespace automed
