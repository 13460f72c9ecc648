#include "train/embedding_store.h"

#include <array>
#include <set>

#include "support/native_test.h"

namespace automed::train {
namespace {

constexpr std::int64_t kEmbedding = 4 * 5 * 5 * static_cast<std::int64_t>(sizeof(float));
constexpr std::int64_t kRecord = 40;

EmbeddingStoreOptions store_options(const test::TemporaryFolder& folder, std::int64_t count = 100,
                                    const std::string& owner = "base") {
  return {.path = folder.file("embeddings"),
          .max_bytes = count * (kEmbedding + kRecord),
          .owner = owner,
          .shape = {4, 5, 5}};
}

EmbeddingKey key_of(std::uint64_t image, std::uint32_t variant = 0) {
  return {{image, ~image}, variant};
}

torch::Tensor embedding_for(double value) {
  return torch::full({4, 5, 5}, value);
}

bool holds(EmbeddingStore& store, const EmbeddingKey& key, double value) {
  const auto found = store.find(key);
  return found && torch::equal(*found, embedding_for(value));
}

TEST("keeps embeddings by image and variant, and counts what it was asked for") {
  const test::TemporaryFolder folder;
  EmbeddingStore store(store_options(folder));
  CHECK(!store.find(key_of(1)));
  store.insert(key_of(1), embedding_for(1.5));
  store.insert(key_of(1, 3), embedding_for(2.5));
  CHECK(holds(store, key_of(1), 1.5) && holds(store, key_of(1, 3), 2.5) && !store.find(key_of(1, 1)));
  const auto stats = store.stats();
  CHECK(stats.kept == 2 && stats.hits == 2 && stats.misses == 2 && stats.capacity == 100 && stats.problem.empty());
}

TEST("goes on with what an earlier process kept, unless that was of another base") {
  const test::TemporaryFolder folder;
  { EmbeddingStore(store_options(folder)).insert(key_of(7), embedding_for(7)); }
  {
    EmbeddingStore again(store_options(folder));
    CHECK(holds(again, key_of(7), 7));
    again.insert(key_of(8), embedding_for(8));
    CHECK(holds(again, key_of(7), 7) && holds(again, key_of(8), 8));
  }
  EmbeddingStore other(store_options(folder, 100, "another base"));
  CHECK(!other.find(key_of(7)) && other.stats().kept == 0);
}

TEST("keeps no more embeddings than its budget holds, and all of those that it has") {
  const test::TemporaryFolder folder;
  EmbeddingStore store(store_options(folder, 2));
  for (std::uint64_t i = 0; i < 4; ++i) store.insert(key_of(i), embedding_for(static_cast<double>(i)));
  CHECK(store.stats().kept == 2 && store.stats().problem.empty());
  CHECK(holds(store, key_of(0), 0) && holds(store, key_of(1), 1) && !store.find(key_of(2)));
}

TEST("keeps what it has when the disk is full, takes nothing more, and says why") {
  const test::TemporaryFolder folder;
  EmbeddingStore store(store_options(folder));
  store.insert(key_of(1), embedding_for(1));
  {
    // The second embedding is torn in the middle.
    const test::FileSizeLimit disk(kEmbedding + kEmbedding / 2);
    store.insert(key_of(2), embedding_for(2));
    CHECK(!store.find(key_of(2)) && !store.stats().problem.empty());
  }
  store.insert(key_of(3), embedding_for(3));
  CHECK(holds(store, key_of(1), 1) && !store.find(key_of(3)) && store.stats().kept == 1);
}

TEST("finds no embedding whose record or data was torn, and uses its place again") {
  const test::TemporaryFolder folder;
  {
    EmbeddingStore store(store_options(folder));
    for (std::uint64_t i = 0; i < 3; ++i) store.insert(key_of(i), embedding_for(static_cast<double>(i)));
  }
  auto data = test::read_bytes(folder.file("embeddings"));
  data[static_cast<std::size_t>(kEmbedding) + 17] ^= 1;  // of the second embedding
  test::write_bytes(folder.file("embeddings"), data);
  auto index = test::read_bytes(folder.file("embeddings.index"));
  index.resize(index.size() - 9);  // of the third record
  test::write_bytes(folder.file("embeddings.index"), index);

  EmbeddingStore store(store_options(folder));
  CHECK(holds(store, key_of(0), 0) && !store.find(key_of(1)) && !store.find(key_of(2)));
  store.insert(key_of(1), embedding_for(10));
  store.insert(key_of(2), embedding_for(20));
  CHECK(holds(store, key_of(0), 0) && holds(store, key_of(1), 10) && holds(store, key_of(2), 20));
  CHECK(test::read_bytes(folder.file("embeddings")).size() == static_cast<std::size_t>(3 * kEmbedding));
}

TEST("ignores an index that is none, and data that is cut off") {
  const test::TemporaryFolder folder;
  test::write_bytes(folder.file("embeddings.index"), std::string(500, 'x'));
  {
    EmbeddingStore store(store_options(folder));
    CHECK(store.stats().kept == 0);
    store.insert(key_of(1), embedding_for(1));
  }
  test::write_bytes(folder.file("embeddings"), "");
  EmbeddingStore store(store_options(folder));
  CHECK(!store.find(key_of(1)));
}

TEST("is refused to a second run while the first has it open") {
  const test::TemporaryFolder folder;
  EmbeddingStore store(store_options(folder));
  const auto error = test::error_of(ErrorCode::kIllegalState, [&] { EmbeddingStore second(store_options(folder)); });
  CHECK(error.field() == "embeddingCachePath");
  auto elsewhere = store_options(folder);
  elsewhere.path = folder.file("absent") + "/embeddings";
  test::error_of(ErrorCode::kInvalidArgument, [&] { EmbeddingStore second(elsewhere); });
}

TEST("digests differ by any bit, by length and by place") {
  const std::array<char, 24> zeros{};
  std::set<Digest> seen;
  for (std::size_t size = 0; size <= zeros.size(); ++size) seen.insert(digest_of(zeros.data(), size));
  for (std::size_t bit = 0; bit < 8 * zeros.size(); ++bit) {
    auto flipped = zeros;
    flipped[bit / 8] = static_cast<char>(1 << (bit % 8));
    seen.insert(digest_of(flipped.data(), flipped.size()));
  }
  CHECK(seen.size() == 25 + 8 * 24);
}

}  // namespace
}  // namespace automed::train
