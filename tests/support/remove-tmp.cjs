/** After all tests: what private-tmp.cjs made is removed. */
module.exports = () => globalThis.automedEndOfRun();
