import { resolve } from 'node:path';
import { Command } from 'commander';
import { existingStore, exportWeights, type StoredBase, type StoredModel } from '../../store';
import { loadConfig } from '../program/config';
import { printJson, printLine } from '../../terminal/print';
import { byteSize } from '../../terminal/table';

interface ExportCommandOptions {
  out: string;
  home?: string;
  force?: boolean;
  json?: boolean;
}

/** `bases export` and `models export`: the stored file is safetensors already, so it leaves as it is. */
export function exportCommand(kind: 'base' | 'model'): Command {
  const reference = kind === 'base' ? 'NAME or NAME@VERSION' : 'NAME, NAME@VERSION or NAME@ALIAS';
  return new Command('export')
    .description(
      kind === 'base'
        ? 'write the weights of a base as a safetensors file, under the names of the published checkpoints'
        : 'write the weights of a model (without its base) as a safetensors file',
    )
    .argument(`<${kind}>`, reference)
    .requiredOption('--out <file>', 'the file to write; Python opens it with safetensors.torch.load_file')
    .option('--home <folder>', 'the store (default: AUTOMED_HOME, else ~/.automed)')
    .option('--force', 'replace the file when it exists')
    .option('--json', 'print one JSON document')
    .action(async (name: string, options: ExportCommandOptions) => {
      const store = await existingStore(resolve(options.home ?? loadConfig().home));
      const stored: StoredBase | StoredModel = await (kind === 'base'
        ? store.resolveBase(name)
        : store.resolveModel(name));
      await store.verify(stored);
      const file = resolve(options.out);
      await exportWeights(stored.weightsPath, file, { replace: options.force === true });
      const { manifest } = stored;
      const exported = `${manifest.name}@${manifest.version}`;
      const { sha256, bytes } = manifest.weights;
      if (options.json)
        return printJson({ [kind]: exported, file, bytes, sha256, architecture: manifest.architecture });
      printLine(`wrote ${exported} to ${file} (${byteSize(bytes)}, sha256 ${sha256})`);
    });
}
