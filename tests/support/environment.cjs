// Node's environment of jest, in worker processes that end at once.
//
// A worker that is done has closed everything and leaves its event loop at once, but then takes 0.2 s, on a busy machine more
// than a second, to unload LibTorch. Jest grants 500 ms and would report a leak that there is none of. Nothing of a test
// needs LibTorch's destructors: after the exit event the worker ends without them.

const { TestEnvironment } = require('jest-environment-node');

const isWorker = process.send !== undefined && /jest-worker/.test(process.argv[1] ?? '');
let prepared = false;

class Environment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    if (!isWorker || prepared) return;
    prepared = true;
    process.on('exit', (code) => {
      // A worker that failed has to say so.
      if (code === 0) process.kill(process.pid, 'SIGKILL');
    });
  }
}

module.exports = Environment;
