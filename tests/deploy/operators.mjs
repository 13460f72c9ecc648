// Checks objects of operators by their schemas, whose packages are ES modules: JSON of one object in, its problem or nothing out.
// Runs from the folder of the tools (tools.ts).

import { text } from 'node:stream/consumers';

const PACKAGES = {
  'cert-manager.io': '@kubernetes-models/cert-manager',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'keda.sh': '@kubernetes-models/keda',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
};

const manifest = JSON.parse(await text(process.stdin));
const [group] = manifest.apiVersion.split('/');
const models = await import(`${PACKAGES[group]}/${manifest.apiVersion}`);
try {
  new models[manifest.kind](manifest).validate();
} catch (error) {
  process.stdout.write(error.message);
}
