export default {
  base: './',
  logLevel: 'error',
  build: { outDir: 'out', emptyOutDir: true, minify: false, target: 'esnext' },
  worker: { format: 'es' },
};
