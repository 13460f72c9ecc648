#include "core/json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace automed::json {
namespace {

/// Length in bytes of the UTF-8 sequence at the front of `text`, 0 when it is malformed (overlong forms, surrogates and
/// code points above U+10FFFF included).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | (code_point >> 6));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0 | (code_point >> 12));
    out += static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code_point >> 18));
    out += static_cast<char>(0x80 | ((code_point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  }
}

class Parser {
 public:
  Parser(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

  Value document() {
    if (text_.size() > limits_.max_bytes) {
      fail("is larger than " + std::to_string(limits_.max_bytes) + " bytes");
    }
    Value value = parse_value(0);
    skip_space();
    if (at_ != text_.size()) fail_here("has text after its end");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(limits_.code, limits_.subject + " " + what); }
  [[noreturn]] void fail_here(const std::string& what) const { fail(what + " (byte " + std::to_string(at_) + ")"); }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
      ++at_;
    }
  }
  bool take(char expected) {
    if (at_ < text_.size() && text_[at_] == expected) {
      ++at_;
      return true;
    }
    return false;
  }
  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Value parse_value(int depth) {
    if (depth > limits_.max_depth) fail_here("is nested too deeply");
    skip_space();
    if (at_ == text_.size()) fail_here("ends too early");
    switch (text_[at_]) {
      case '{':
        return parse_object(depth);
      case '[':
        return parse_array(depth);
      case '"':
        return Value(Value::Storage(parse_string()));
      case 't':
        if (take_word("true")) return Value(Value::Storage(true));
        break;
      case 'f':
        if (take_word("false")) return Value(Value::Storage(false));
        break;
      case 'n':
        if (take_word("null")) return Value();
        break;
      default:
        return parse_number();
    }
    fail_here("is not valid JSON");
  }

  Value parse_object(int depth) {
    ++at_;  // {
    Object object;
    skip_space();
    if (take('}')) return Value(Value::Storage(std::move(object)));
    do {
      skip_space();
      if (at_ == text_.size() || text_[at_] != '"') fail_here("lacks a key");
      std::string key = parse_string();
      skip_space();
      if (!take(':')) fail_here("lacks a colon");
      const auto [position, inserted] = object.try_emplace(std::move(key), parse_value(depth + 1));
      if (!inserted) fail_here("holds the key " + quote(position->first.substr(0, 100)) + " twice");
      skip_space();
    } while (take(','));
    if (!take('}')) fail_here("has an object without its end");
    return Value(Value::Storage(std::move(object)));
  }

  Value parse_array(int depth) {
    ++at_;  // [
    Array array;
    skip_space();
    if (take(']')) return Value(Value::Storage(std::move(array)));
    do {
      array.push_back(parse_value(depth + 1));
      skip_space();
    } while (take(','));
    if (!take(']')) fail_here("has an array without its end");
    return Value(Value::Storage(std::move(array)));
  }

  std::uint32_t parse_hex4() {
    if (text_.size() - at_ < 4) fail_here("has an incomplete \\u escape");
    std::uint32_t unit = 0;
    const char* begin = text_.data() + at_;
    const auto [end, status] = std::from_chars(begin, begin + 4, unit, 16);
    if (status != std::errc() || end != begin + 4) fail_here("has a malformed \\u escape");
    at_ += 4;
    return unit;
  }

  void parse_unicode_escape(std::string& out) {
    std::uint32_t unit = parse_hex4();
    if (unit >= 0xDC00 && unit <= 0xDFFF) fail_here("has a lone surrogate");
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      if (!take_word("\\u")) fail_here("has a lone surrogate");
      const std::uint32_t low = parse_hex4();
      if (low < 0xDC00 || low > 0xDFFF) fail_here("has a lone surrogate");
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, unit);
  }

  std::string parse_string() {
    ++at_;  // "
    std::string out;
    while (true) {
      if (at_ == text_.size()) fail_here("has a string without its end");
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return out;
      }
      if (static_cast<unsigned char>(c) < 0x20) fail_here("has a control character in a string");
      if (c != '\\') {
        const std::size_t length = utf8_length(text_.substr(at_));
        if (length == 0) fail_here("is not valid UTF-8");
        out.append(text_, at_, length);
        at_ += length;
        continue;
      }
      if (++at_ == text_.size()) fail_here("has a string without its end");
      const char escape = text_[at_++];
      constexpr std::string_view kEscapes = "\"\\/bfnrt";
      constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
      const std::size_t index = kEscapes.find(escape);
      if (index != std::string_view::npos) {
        out += kMeanings[index];
      } else if (escape == 'u') {
        parse_unicode_escape(out);
      } else {
        fail_here("has an unknown escape");
      }
    }
  }

  std::size_t take_digits() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ - begin;
  }

  Value parse_number() {
    const std::size_t begin = at_;
    take('-');
    const bool leading_zero = at_ < text_.size() && text_[at_] == '0';
    const std::size_t digits = take_digits();
    if (digits == 0 || (leading_zero && digits > 1)) fail_here("is not valid JSON");
    bool integral = true;
    if (take('.')) {
      integral = false;
      if (take_digits() == 0) fail_here("has a malformed number");
    }
    if (take('e') || take('E')) {
      integral = false;
      if (!take('+')) take('-');
      if (take_digits() == 0) fail_here("has a malformed number");
    }
    const char* first = text_.data() + begin;
    const char* last = text_.data() + at_;
    if (integral) {
      std::int64_t value = 0;
      if (std::from_chars(first, last, value).ec != std::errc()) fail_here("has a number out of range");
      return Value(Value::Storage(value));
    }
    double value = 0;
    if (std::from_chars(first, last, value).ec != std::errc() || !std::isfinite(value)) {
      fail_here("has a number out of range");
    }
    return Value(Value::Storage(value));
  }

  std::string_view text_;
  const Limits& limits_;
  std::size_t at_ = 0;
};

}  // namespace

Value parse(std::string_view text, const Limits& limits) {
  return Parser(text, limits).document();
}

std::string quote(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 0xF];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace automed::json
