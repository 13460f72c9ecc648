// automed_parity --fixtures DIR [--own DIR] [--only NAME] [--device D]: compares every block with what the published
// code computes. automed_parity --record HEAD --base JSON --head JSON --out FILE: records what a classification head
// computes, for Python to compare with. automed_parity --placed CASES --out FILE: records what the model's input shows
// of lesions, for TypeScript to compare with.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "core/device.h"
#include "core/error.h"
#include "core/vector_math.h"
#include "parity/fixtures.h"
#include "parity/placed.h"
#include "parity/record.h"

namespace {

struct Arguments {
  std::string fixtures;
  std::string own = "tests/parity/fixtures";
  std::string only;
  std::string device = "cpu";
  automed::parity::Recording recording;
  std::string placed;
};

[[noreturn]] void usage() {
  std::fputs(
      "usage: automed_parity --fixtures DIR [--own DIR] [--only NAME] [--device cpu|cuda|cuda:N|auto]\n"
      "       automed_parity --record HEAD.safetensors --base JSON --head JSON --out FILE\n"
      "       automed_parity --placed CASES --out FILE\n",
      stderr);
  std::exit(2);
}

Arguments parse(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i < count; i += 2) {
    if (i + 1 >= count) usage();
    const std::string_view flag = values[i];
    if (flag == "--fixtures") {
      arguments.fixtures = values[i + 1];
    } else if (flag == "--own") {
      arguments.own = values[i + 1];
    } else if (flag == "--only") {
      arguments.only = values[i + 1];
    } else if (flag == "--device") {
      arguments.device = values[i + 1];
    } else if (flag == "--record") {
      arguments.recording.weights = values[i + 1];
    } else if (flag == "--placed") {
      arguments.placed = values[i + 1];
    } else if (flag == "--base") {
      arguments.recording.base = values[i + 1];
    } else if (flag == "--head") {
      arguments.recording.head = values[i + 1];
    } else if (flag == "--out") {
      arguments.recording.out = values[i + 1];
    } else {
      usage();
    }
  }
  const int asked = !arguments.fixtures.empty() + !arguments.recording.weights.empty() + !arguments.placed.empty();
  if (asked != 1) usage();
  return arguments;
}

int run(const Arguments& arguments) {
  using namespace automed::parity;
  if (!arguments.recording.weights.empty()) {
    record_classification(arguments.recording);
    return 0;
  }
  if (!arguments.placed.empty()) {
    record_placed({arguments.placed, arguments.recording.out});
    return 0;
  }
  automed::resolve_vector_math();
  Report report;
  const Context context{arguments.fixtures, arguments.own, automed::parse_device(arguments.device), report};
  std::vector<Fixture> fixtures;
  for (const auto& group : {checkpoint_fixtures(), preprocessing_fixtures(), block_fixtures(), sam_fixtures(),
                            preset_fixtures(), full_size_fixtures()}) {
    fixtures.insert(fixtures.end(), group.begin(), group.end());
  }
  report.header();
  for (const Fixture& fixture : fixtures) {
    if (!arguments.only.empty() && fixture.name != arguments.only) continue;
    try {
      fixture.run(context);
    } catch (const c10::Error& error) {
      report.fail(fixture.name, error.what_without_backtrace());
    } catch (const std::exception& error) {
      report.fail(fixture.name, error.what());
    }
  }
  if (report.passed() + report.failed() == 0) report.fail(arguments.only, "there is no such fixture");
  std::printf("%d passed, %d failed\n", report.passed(), report.failed());
  return report.failed() == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** values) {
  try {
    return run(parse(count, values));
  } catch (const automed::Error& error) {
    std::fprintf(stderr, "automed_parity: %s\n", error.what());
    return 2;
  }
}
