#include "core/pickle.h"

#include "core/error.h"
#include "support/native_test.h"
#include "support/pth_writer.h"

namespace {

namespace pickle = automed::pickle;
using automed::ErrorCode;
using automed::test::error_of;
using automed::test::PickleWriter;

pickle::Tree read(const PickleWriter& writer) {
  return pickle::read(writer.done());
}

void refuse_pickle(const std::string& bytes) {
  error_of(ErrorCode::kCheckpointCorrupt, [&] { pickle::read(bytes); });
}

/// The content of a pickle of one value.
template <typename T>
T only(const PickleWriter& writer) {
  const std::string bytes = writer.done();
  const pickle::Tree tree = pickle::read(bytes);
  const T* value = tree.get_if<T>(tree.root);
  CHECK(value != nullptr);
  return *value;
}

}  // namespace

TEST("pickle: numbers, truth values and texts of every spelling") {
  CHECK(only<std::int64_t>(PickleWriter().raw("J\xfe\xff\xff\xff")) == -2);
  CHECK(only<std::int64_t>(PickleWriter().raw("K\xff")) == 255);
  CHECK(only<std::int64_t>(PickleWriter().raw("M\x01\x02")) == 513);
  CHECK(only<std::int64_t>(PickleWriter().raw(std::string("\x8a\x00", 2))) == 0);
  CHECK(only<std::int64_t>(PickleWriter().raw("\x8a\x01\xff")) == -1);
  CHECK(only<std::int64_t>(PickleWriter().raw(std::string("\x8b\x02\x00\x00\x00\x00\x80", 7))) == -32768);
  CHECK(only<double>(PickleWriter().raw(std::string("G\x3f\xf8\x00\x00\x00\x00\x00\x00", 9))) == 1.5);
  CHECK(only<bool>(PickleWriter().raw("\x88")));
  CHECK(!only<bool>(PickleWriter().raw("\x89")));
  for (const std::string& spelling :
       {std::string("X\x02\x00\x00\x00hi", 7), std::string("\x8c\x02hi"),
        std::string("\x8d\x02\x00\x00\x00\x00\x00\x00\x00hi", 11), std::string("U\x02hi")}) {
    const std::string bytes = PickleWriter().raw(spelling).done();
    const pickle::Tree tree = pickle::read(bytes);
    CHECK(tree.get_if<pickle::Text>(tree.root)->value == "hi");
  }
}

TEST("pickle: containers, the memo, and where the next pickle begins") {
  const std::string bytes = PickleWriter().raw("}q\x05(").text("a").integer(1).text("b").raw("h\x05u").done() + "rest";
  const pickle::Tree tree = pickle::read(bytes);
  const auto* dict = tree.get_if<pickle::Dict>(tree.root);
  CHECK(dict != nullptr && dict->items.size() == 2);
  CHECK(dict->items[1].second == tree.root);  // it holds itself
  CHECK(bytes.substr(tree.end) == "rest");
  CHECK(read(PickleWriter().raw("](NNe\x88\x61")).values.size() == 4);
}

TEST("pickle: what would be called is written down, not called") {
  const std::string bytes =
      PickleWriter().global("os", "system").text("touch /tmp/automed-was-here").raw("\x85R}b").done();
  const pickle::Tree tree = pickle::read(bytes);
  const auto* object = tree.get_if<pickle::Object>(tree.root);
  CHECK(object != nullptr);
  CHECK(tree.get_if<pickle::Global>(object->callable)->name == "system");
  CHECK(!std::filesystem::exists("/tmp/automed-was-here"));
}

TEST("pickle: refuses protocols, operations and references that it does not know") {
  refuse_pickle("");
  refuse_pickle("N.");                                             // no protocol
  refuse_pickle("\x80\x01N.");                                     // protocol 1
  refuse_pickle("\x80\x06N.");                                     // protocol 6
  refuse_pickle(PickleWriter().raw("I1\n").done());                // protocol 0's integer
  refuse_pickle(PickleWriter().raw("\x82\x01").done());            // extension registry
  refuse_pickle(PickleWriter().raw("h\x01").done());               // nothing in the memo
  refuse_pickle(PickleWriter().raw("Nr\xff\xff\xff\xff").done());  // number 4294967295
}

TEST("pickle: refuses an empty stack, marks out of place, and items of what holds none") {
  for (const char* operations :
       {"",    "0",    "R",    "N0", "\x85", "t", "e", "(",     "(N",   "NN",     "]u",        "](Nu",
        "NNa", "KaNs", "N(Nu", "b",  "Nb",   "Q", "2", "q\x01", "\x93", "NN\x93", "NN\x81\x92"}) {
    refuse_pickle(PickleWriter().raw(operations).done());
  }
}

TEST("pickle: refuses sizes beyond the end") {
  refuse_pickle("\x80\x02X\xff\xff\xff\xff");
  refuse_pickle("\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff");
  refuse_pickle("\x80\x02\x8b\xff\xff\xff\xff");
  refuse_pickle("\x80\x02J\x01");
  refuse_pickle(
      "\x80\x02"
      "cos");
  refuse_pickle(
      "\x80\x02"
      "cos\nsys");
  refuse_pickle(
      "\x80\x02"
      "c" +
      std::string(100'000, 'x') + "\ny\n.");
  error_of(ErrorCode::kCheckpointCorrupt, [] { pickle::read("\x80\x02N.", 100); });
}

TEST("pickle: a limit ends what would not") {
  const pickle::Limits limits{.max_values = 100, .max_operations = 1000};
  const auto refused = [&](const std::string& bytes) {
    error_of(ErrorCode::kCheckpointCorrupt, [&] { pickle::read(bytes, 0, limits); });
  };
  refused(PickleWriter().raw(std::string(101, ']')).done());
  refused(PickleWriter().op('N').raw(std::string(1000, '2')).done());
  refused(PickleWriter().op('N').raw(std::string("r\x64\x00\x00\x00", 5)).done());  // memo number 100
}

TEST("pickle: a million nested tuples cost neither stack nor time to destroy") {
  const std::string bytes = PickleWriter().op('N').raw(std::string(1'000'000, '\x85')).done();
  CHECK(pickle::read(bytes).values.size() == 1'000'001);
}
