// Prints `N passed, N failed, N skipped` as the very last line. A test file that does not run at all counts as one failure.

class SummaryReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    // Jest's own summary goes to stderr, too: one stream keeps the order.
    process.stderr.write(`${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}

module.exports = SummaryReporter;
