/** What a program needs of the environment to start at all. */
const NEEDED = ['PATH', 'LD_LIBRARY_PATH', 'LD_PRELOAD', 'TZ'];

/** Of a process that decodes images: keys, addresses and settings stay here. */
export function decoderEnvironment(environment = process.env): NodeJS.ProcessEnv {
  const needed = NEEDED.filter((name) => environment[name] !== undefined);
  return { ...Object.fromEntries(needed.map((name) => [name, environment[name]])), UV_THREADPOOL_SIZE: '1' };
}
