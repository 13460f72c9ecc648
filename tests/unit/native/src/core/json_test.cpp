#include "core/json.h"

#include <string>
#include <vector>

#include "support/native_test.h"

namespace {

using automed::ErrorCode;
using automed::json::Array;
using automed::json::Limits;
using automed::json::Object;
using automed::json::parse;

}  // namespace

TEST("JSON: reads objects, arrays, text, numbers, truth values and null") {
  const auto value = parse(R"( {"a": [1, -2.5, 1e3, true, false, null], "b": {"c": "x\u00e9\ud83d\ude00\n"}} )");
  const auto& object = *value.get_if<Object>();
  const auto& array = *object.at("a").get_if<Array>();
  CHECK(array.size() == 6);
  CHECK(*array[0].get_if<std::int64_t>() == 1);
  CHECK(*array[1].get_if<double>() == -2.5);
  CHECK(*array[2].get_if<double>() == 1000);
  CHECK(*array[3].get_if<bool>());
  CHECK(array[5].is_null());
  CHECK(*object.at("b").get_if<Object>()->at("c").get_if<std::string>() == "x\xC3\xA9\xF0\x9F\x98\x80\n");
}

TEST("JSON: refuses everything that is not strict JSON") {
  const std::vector<std::string> malformed = {"",
                                              " ",
                                              "{",
                                              "}",
                                              "[1,]",
                                              "{\"a\":1,}",
                                              "{'a':1}",
                                              "{\"a\" 1}",
                                              "{a:1}",
                                              "[1 2]",
                                              "01",
                                              "-",
                                              "1.",
                                              ".5",
                                              "1e",
                                              "+1",
                                              "NaN",
                                              "Infinity",
                                              "nul",
                                              "tru",
                                              "\"",
                                              "\"\\x\"",
                                              "\"\\u12\"",
                                              "\"\\ud800\"",
                                              "\"\\udc00\"",
                                              "\"\\ud800\\u0041\"",
                                              "\"\n\"",
                                              "\"\xFF\"",
                                              "\"\xC0\xAF\"",
                                              "\"\xED\xA0\x80\"",
                                              "\"\xF4\x90\x80\x80\"",
                                              "\"\xE2\x82\"",
                                              "1 2",
                                              "{} x",
                                              "// c\n1",
                                              "9223372036854775808",
                                              "1e999",
                                              "{\"a\":1,\"a\":2}",
                                              std::string("\"\0\"", 3)};
  for (const std::string& text : malformed) {
    automed::test::error_of(ErrorCode::kInvalidArgument, [&] { parse(text); });
  }
}

TEST("JSON: bounds depth and size") {
  automed::test::error_of(ErrorCode::kCheckpointCorrupt,
                          [] { parse(std::string(100000, '['), Limits{.code = ErrorCode::kCheckpointCorrupt}); });
  automed::test::error_of(ErrorCode::kInvalidArgument, [] { parse("[1, 2, 3]", Limits{.max_bytes = 4}); });
  CHECK(parse("[[[1]]]", Limits{.max_depth = 3}).get_if<Array>() != nullptr);
  automed::test::error_of(ErrorCode::kInvalidArgument, [] { parse("[[[[1]]]]", Limits{.max_depth = 3}); });
}

TEST("JSON: text that was quoted reads back") {
  const std::string text = "a\"b\\c\n\t\x01 \xC3\xA9";
  CHECK(*parse(automed::json::quote(text)).get_if<std::string>() == text);
}
