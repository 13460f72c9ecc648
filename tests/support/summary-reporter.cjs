// Prints `N passed, N failed, N skipped` as the very last line. A test file that does not run at all counts as one failure.

class SummaryReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    // Jest's own summary comes after every other reporter, and goes to the same stream.
    process.once('exit', () => {
      process.stderr.write(`${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`);
    });
  }
}

module.exports = SummaryReporter;
