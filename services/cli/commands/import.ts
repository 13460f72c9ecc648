import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { BASE_ARCHITECTURES } from '../../store';
import type { ImportReport } from '../../training/import-protocol';
import { loadConfig } from '../config';
import { CliError } from '../errors';
import { printJson, printLine, printNote } from '../output/print';
import { byteSize } from '../output/table';
import { runWorker } from '../training/worker';
import { examples } from './options';

interface ImportOptions {
  arch: string;
  name?: string;
  imageSize?: number;
  licence?: string;
  home?: string;
  json?: boolean;
}

const FORMATS = `
FILE is what Python's torch.save writes, in the zip format or the one of PyTorch before 1.6, or safetensors; its content
decides, not its name. It may be the state dict itself or hold it under "model", "state_dict" or "model_state_dict", beside
an optimiser, which is left out. Nothing in the file is executed. Names and shapes must be the architecture's, exactly.

  sam-vit-b, -l, -h   SAM as published: sam_vit_b_01ec64.pth, sam_vit_l_0b3195.pth, sam_vit_h_4b8939.pth
  sam-med2d-vit-b     SAM-Med2D with its adapters: sam-med2d_b.pth

--image-size makes a base for smaller (or larger) images than the file's: the position tables are interpolated bilinearly,
as SAM-Med2D's code does when it starts from SAM. That code then starts the mask tokens and the decoder's heads anew; here
they are kept, because they do not depend on the size.`;

export function importCommand(): Command {
  const command = new Command('import')
    .description('make a base from published weights, in the store of this machine')
    .argument('<file>', 'the published file')
    .addOption(
      new Option('--arch <name>', 'what the file holds').choices(Object.keys(BASE_ARCHITECTURES)).makeOptionMandatory(),
    )
    .option('--name <name>', "name of the base (default: the architecture's, with the image size when one is given)")
    .option('--image-size <pixels>', 'edge of the images that the base will see, a multiple of 16', imageSizeOf)
    .option('--licence <text>', 'under which the weights are published; recorded with the base')
    .option('--home <folder>', 'the store (default: AUTOMED_HOME, else ~/.automed)')
    .option('--json', 'print one JSON document')
    .addHelpText('after', FORMATS)
    .action(importFile);
  return examples(command, [
    'automed bases import sam-med2d_b.pth --arch sam-med2d-vit-b',
    'automed bases import sam_vit_b_01ec64.pth --arch sam-vit-b --image-size 256 --name sam-b-256',
  ]);
}

function imageSizeOf(text: string): number {
  const pixels = Number(text);
  if (!/^\d+$/.test(text) || pixels < 16 || pixels > 4096 || pixels % 16 !== 0) {
    throw new InvalidArgumentError('it must be a multiple of 16 from 16 to 4096.');
  }
  return pixels;
}

async function importFile(file: string, options: ImportOptions): Promise<void> {
  const { arch, imageSize, licence, json } = options;
  const store = resolve(options.home ?? loadConfig().home);
  const name = options.name ?? (imageSize === undefined ? arch : `${arch}-${imageSize}`);
  const { base = name, imported } = await runWorker({
    type: 'importBase',
    spec: {
      store,
      name,
      file: resolve(file),
      arch,
      ...(imageSize === undefined ? {} : { imageSize }),
      ...(licence === undefined ? {} : { licence }),
    },
  });
  if (!imported) throw new CliError('the worker ended without a report');
  if (imported.file.named === false) {
    printNote(`the checksum of ${imported.file.name} is not the one in its name: it is another file, or a damaged one`);
  }
  if (json) return printJson({ base, arch, ...reportJson(imported) });
  printLine(`imported ${base} (${arch}, ${imported.imageSize} px) into ${store}`);
  for (const line of reportLines(imported)) printLine(line);
}

function reportLines({ file, weights, converted, leftOut }: ImportReport): string[] {
  const lines = [
    `  file       ${file.name}: ${byteSize(file.bytes)}, ${file.format}, sha256 ${file.sha256}` +
      (file.named === true ? ', as its name says' : ''),
    `  weights    ${weights.tensors} tensors, ${(weights.parameters / 1e6).toFixed(1)} M parameters, ` +
      `${byteSize(weights.bytes)}, sha256 ${weights.sha256}`,
  ];
  const [first] = converted;
  if (first) {
    lines.push(
      `  converted  ${converted.length} position tables, e.g. ${first.name} from ${first.from.join(' x ')} ` +
        `to ${first.to.join(' x ')}`,
    );
  }
  if (leftOut.length > 0) {
    const more = leftOut.length > 5 ? ` and ${leftOut.length - 5} more` : '';
    lines.push(`  left out   ${leftOut.slice(0, 5).join(', ')}${more}`);
  }
  return lines;
}

function reportJson({ file, imageSize, weights, converted, leftOut }: ImportReport): object {
  const { named, ...facts } = file;
  return {
    file: { ...facts, checksum_matches_name: named },
    image_size: imageSize,
    weights,
    converted,
    left_out: leftOut,
  };
}
