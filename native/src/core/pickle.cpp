#include "core/pickle.h"

#include <bit>
#include <cstring>
#include <string>

#include "core/error.h"

namespace automed::pickle {
namespace {

/// Opcodes of protocols 2 to 5 (Python's pickletools). Those of protocols 0 and 1 that torch.save cannot write are
/// absent, and so are the extension registry and out-of-band buffers.
enum class Op : unsigned char {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersistent = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kEmptyList = ']',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kDict = 'd',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kList = 'l',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyTuple = ')',
  kEmptyDict = '}',
  kProtocol = 0x80,
  kNewObject = 0x81,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kTrue = 0x88,
  kFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  kNewObjectKeywords = 0x92,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
  kByteArray8 = 0x96,
};

constexpr unsigned kLeastProtocol = 2;
constexpr unsigned kMostProtocol = 5;
constexpr std::size_t kMaxGlobalName = 512;
constexpr Id kUnset = ~Id{0};

[[noreturn]] void corrupt_pickle(const std::string& what) {
  throw Error(ErrorCode::kCheckpointCorrupt, "the .pth file's pickle " + what);
}

/// Pickle's stack machine, with values in place of objects.
class Machine {
 public:
  Machine(std::string_view bytes, std::size_t begin, const Limits& limits)
      : bytes_(bytes), at_(begin), limits_(limits) {}

  Tree run() {
    if (static_cast<Op>(take<unsigned char>()) != Op::kProtocol) corrupt_pickle("does not begin with a protocol");
    at_ -= 1;
    std::size_t operations = 0;
    for (;;) {
      if (++operations > limits_.max_operations) corrupt_pickle("is too long");
      const auto op = static_cast<Op>(take<unsigned char>());
      if (op == Op::kStop) break;
      if (!constant(op) && !container(op) && !object(op) && !bookkeeping(op)) {
        corrupt_pickle("has the unknown operation " + std::to_string(static_cast<unsigned>(op)));
      }
    }
    tree_.root = pop();
    if (!stack_.empty() || !marks_.empty()) corrupt_pickle("leaves values behind");
    tree_.end = at_;
    return std::move(tree_);
  }

 private:
  template <typename T>
  T take() {
    T value;
    std::memcpy(&value, take_bytes(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view take_bytes(std::uint64_t count) {
    if (at_ > bytes_.size() || count > bytes_.size() - at_) corrupt_pickle("ends too early");
    const std::string_view taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }
  std::string_view take_line() {
    const std::string_view rest = bytes_.substr(at_, kMaxGlobalName);
    const std::size_t length = rest.find('\n');
    if (length == std::string_view::npos) corrupt_pickle("has a name that does not end");
    at_ += length + 1;
    return rest.substr(0, length);
  }

  bool push(Value value) {
    if (tree_.values.size() >= limits_.max_values) corrupt_pickle("has too many values");
    stack_.push_back(static_cast<Id>(tree_.values.size()));
    tree_.values.push_back(std::move(value));
    return true;
  }
  /// Values below the last mark belong to something that is not complete yet.
  std::size_t available() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }
  Id pop() {
    if (available() == 0) corrupt_pickle("takes a value that is not there");
    const Id id = stack_.back();
    stack_.pop_back();
    return id;
  }
  Id top() const {
    if (available() == 0) corrupt_pickle("takes a value that is not there");
    return stack_.back();
  }
  std::vector<Id> pop_count(std::size_t count) {
    if (available() < count) corrupt_pickle("takes a value that is not there");
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<Id> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    return items;
  }
  std::vector<Id> pop_mark() {
    if (marks_.empty()) corrupt_pickle("has no mark where one is needed");
    std::vector<Id> items = pop_count(available());
    marks_.pop_back();
    return items;
  }

  bool constant(Op op) {
    switch (op) {
      case Op::kNone:
        return push(None{});
      case Op::kTrue:
        return push(true);
      case Op::kFalse:
        return push(false);
      case Op::kBinInt:
        return push(std::int64_t{take<std::int32_t>()});
      case Op::kBinInt1:
        return push(std::int64_t{take<std::uint8_t>()});
      case Op::kBinInt2:
        return push(std::int64_t{take<std::uint16_t>()});
      case Op::kLong1:
        return push_long(take<std::uint8_t>());
      case Op::kLong4:
        return push_long(take<std::uint32_t>());
      case Op::kBinFloat:
        return push(std::bit_cast<double>(__builtin_bswap64(take<std::uint64_t>())));
      case Op::kShortBinString:
      case Op::kShortBinUnicode:
        return push(Text{take_bytes(take<std::uint8_t>())});
      case Op::kBinString:
      case Op::kBinUnicode:
        return push(Text{take_bytes(take<std::uint32_t>())});
      case Op::kBinUnicode8:
        return push(Text{take_bytes(take<std::uint64_t>())});
      case Op::kShortBinBytes:
        return push(Bytes{take_bytes(take<std::uint8_t>())});
      case Op::kBinBytes:
        return push(Bytes{take_bytes(take<std::uint32_t>())});
      case Op::kBinBytes8:
      case Op::kByteArray8:
        return push(Bytes{take_bytes(take<std::uint64_t>())});
      default:
        return false;
    }
  }

  bool push_long(std::size_t size) {
    const std::string_view bytes = take_bytes(size);
    if (size > sizeof(std::int64_t)) return push(LongInteger{bytes});
    const bool negative = size > 0 && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0;
    std::int64_t value = negative ? -1 : 0;
    std::memcpy(&value, bytes.data(), size);
    return push(value);
  }

  bool container(Op op) {
    switch (op) {
      case Op::kEmptyList:
      case Op::kEmptyTuple:
      case Op::kEmptySet:
        return push(Sequence{});
      case Op::kTuple:
      case Op::kList:
      case Op::kFrozenSet:
        return push(Sequence{pop_mark()});
      case Op::kTuple1:
        return push(Sequence{pop_count(1)});
      case Op::kTuple2:
        return push(Sequence{pop_count(2)});
      case Op::kTuple3:
        return push(Sequence{pop_count(3)});
      case Op::kEmptyDict:
        return push(Dict{});
      case Op::kDict: {
        const std::vector<Id> items = pop_mark();
        push(Dict{});
        return set_items(items);
      }
      case Op::kAppend:
        return append(pop_count(1));
      case Op::kAppends:
      case Op::kAddItems:
        return append(pop_mark());
      case Op::kSetItem:
        return set_items(pop_count(2));
      case Op::kSetItems:
        return set_items(pop_mark());
      default:
        return false;
    }
  }

  bool append(const std::vector<Id>& items) {
    Value& target = tree_.values[top()];
    if (auto* sequence = std::get_if<Sequence>(&target)) {
      sequence->items.insert(sequence->items.end(), items.begin(), items.end());
    } else if (!std::holds_alternative<Object>(target)) {
      corrupt_pickle("appends to what is no list");
    }
    return true;
  }

  bool set_items(const std::vector<Id>& items) {
    if (items.size() % 2 != 0) corrupt_pickle("sets a key without a value");
    Value& target = tree_.values[top()];
    auto* dict = std::get_if<Dict>(&target);
    auto* object = std::get_if<Object>(&target);
    if (dict == nullptr && object == nullptr) corrupt_pickle("sets an item of what is no dictionary");
    auto& pairs = dict != nullptr ? dict->items : object->items;
    for (std::size_t i = 0; i < items.size(); i += 2) pairs.emplace_back(items[i], items[i + 1]);
    return true;
  }

  bool object(Op op) {
    switch (op) {
      case Op::kGlobal: {
        const std::string_view module = take_line();
        return push(Global{module, take_line()});
      }
      case Op::kStackGlobal: {
        const std::vector<Id> names = pop_count(2);
        const auto* module = tree_.get_if<Text>(names[0]);
        const auto* name = tree_.get_if<Text>(names[1]);
        if (module == nullptr || name == nullptr) corrupt_pickle("names a class without text");
        return push(Global{module->value.substr(0, kMaxGlobalName), name->value.substr(0, kMaxGlobalName)});
      }
      case Op::kReduce:
      case Op::kNewObject: {
        const std::vector<Id> parts = pop_count(2);
        return push(Object{parts[0], parts[1], {}});
      }
      case Op::kNewObjectKeywords: {
        const std::vector<Id> parts = pop_count(3);
        return push(Object{parts[0], parts[1], {}});
      }
      case Op::kBuild:
        pop();  // the state: nothing that is read here has any
        top();
        return true;
      case Op::kBinPersistent:
        return push(Persistent{pop()});
      default:
        return false;
    }
  }

  bool bookkeeping(Op op) {
    switch (op) {
      case Op::kProtocol: {
        const unsigned protocol = take<std::uint8_t>();
        if (protocol < kLeastProtocol || protocol > kMostProtocol) {
          corrupt_pickle("is of protocol " + std::to_string(protocol) + ", only 2 to 5 are read");
        }
        return true;
      }
      case Op::kFrame:
        take<std::uint64_t>();  // a hint for buffering
        return true;
      case Op::kMark:
        marks_.push_back(stack_.size());
        return true;
      case Op::kPop:
        // Python lets POP remove a mark.
        if (available() == 0 && !marks_.empty()) {
          marks_.pop_back();
        } else {
          pop();
        }
        return true;
      case Op::kPopMark:
        pop_mark();
        return true;
      case Op::kDup:
        stack_.push_back(top());
        return true;
      case Op::kMemoize:
        return put(memo_.size());
      case Op::kBinPut:
        return put(take<std::uint8_t>());
      case Op::kLongBinPut:
        return put(take<std::uint32_t>());
      case Op::kBinGet:
        return get(take<std::uint8_t>());
      case Op::kLongBinGet:
        return get(take<std::uint32_t>());
      default:
        return false;
    }
  }

  bool put(std::size_t index) {
    if (index >= limits_.max_values) corrupt_pickle("numbers a value too high");
    if (index >= memo_.size()) memo_.resize(index + 1, kUnset);
    memo_[index] = top();
    return true;
  }
  bool get(std::size_t index) {
    if (index >= memo_.size() || memo_[index] == kUnset) corrupt_pickle("refers to a value that is not there");
    stack_.push_back(memo_[index]);
    return true;
  }

  std::string_view bytes_;
  std::size_t at_;
  const Limits& limits_;
  Tree tree_;
  std::vector<Id> stack_;
  std::vector<std::size_t> marks_;
  std::vector<Id> memo_;
};

}  // namespace

Tree read(std::string_view bytes, std::size_t begin, const Limits& limits) {
  if (begin > bytes.size()) corrupt_pickle("is missing");
  return Machine(bytes, begin, limits).run();
}

}  // namespace automed::pickle
