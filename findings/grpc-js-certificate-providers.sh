#!/usr/bin/env bash
# @grpc/grpc-js 1.14.7 (npm): experimental.createCertificateProviderServerCredentials() is declared with the provider of the
# authorities first and that of the server's own certificate second, and passes them on to a constructor that has them the other
# way round. Valid input: mutual TLS with two FileWatcherCertificateProviders, one for the authority's certificate, one for the
# server's certificate and key, and a client that the authority knows. Seen: in the declared order no call is answered, and
# nothing says why; in the other order every call is. Where one provider has all three files, both orders are one. Fails when that changes. Automed has one provider of all (services/common/grpc/tls.ts).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . @grpc/grpc-js@1.14.7
exec 3>&2 2>openssl.log
ec=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
openssl req -x509 "${ec[@]}" -keyout ca.key -out ca.pem -days 2 -subj /CN=ca
for name in server client; do
  openssl req -new "${ec[@]}" -keyout $name.key -out $name.csr -subj /CN=$name
  openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $name.pem -days 2 -extfile <(echo subjectAltName=DNS:localhost)
done
exec 2>&3
cat >run.cjs <<'JS'
const { readFileSync } = require('node:fs');
const grpc = require('@grpc/grpc-js');
const { FileWatcherCertificateProvider, createCertificateProviderServerCredentials } = grpc.experimental;
const same = (bytes) => bytes;
const service = {
  Echo: {
    path: '/t.T/Echo', requestStream: false, responseStream: false, requestSerialize: same, requestDeserialize: same,
    responseSerialize: same, responseDeserialize: same,
  },
};
const watch = (files) => new FileWatcherCertificateProvider({ ...files, refreshIntervalMs: 1000 });
const authorities = () => watch({ caCertificateFile: 'ca.pem' });
const identity = () => watch({ certificateFile: 'server.pem', privateKeyFile: 'server.key' });
const all = () => watch({ caCertificateFile: 'ca.pem', certificateFile: 'server.pem', privateKeyFile: 'server.key' });
const Client = grpc.makeGenericClientConstructor(service, 'T');

async function answered(how) {
  const server = new grpc.Server();
  server.addService(service, { Echo: (call, answer) => answer(null, call.request) });
  const port = await new Promise((done, fail) => server.bindAsync('localhost:0', how, (error, bound) => (error ? fail(error) : done(bound))));
  await new Promise((done) => setTimeout(done, 500)); // the files are read meanwhile
  const files = ['ca.pem', 'client.key', 'client.pem'].map((file) => readFileSync(file));
  const client = new Client(`localhost:${port}`, grpc.credentials.createSsl(...files));
  const code = await new Promise((done) =>
    client.Echo(Buffer.from([1]), { deadline: Date.now() + 3000 }, (error) => done(error?.code ?? 0)),
  );
  client.close();
  server.forceShutdown();
  return code === 0;
}

(async () => {
  const seen = {
    'authorities, certificate (as declared)': await answered(createCertificateProviderServerCredentials(authorities(), identity(), true)),
    'certificate, authorities': await answered(createCertificateProviderServerCredentials(identity(), authorities(), true)),
    'one provider of all, twice': await answered(createCertificateProviderServerCredentials(...[0, 0].map(() => all()), true)),
  };
  for (const [order, ok] of Object.entries(seen)) console.log(`${order}: ${ok ? 'answered' : 'not answered'}`);
  process.exit(Object.values(seen).join() === 'false,true,true' ? 0 : 1);
})();
JS
node run.cjs
