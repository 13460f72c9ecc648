// The paper's own figures: Sun et al., "Medical image analysis using improved SAM-Med2D: segmentation and classification
// perspectives", BMC Medical Imaging 2024, doi 10.1186/s12880-024-01401-6, Tables 1 to 10. In percent, as printed; never mixed
// with what is measured here.

/** A data set of the paper: its title, and what its layout is called here. */
export interface PaperData {
  title: string;
  layout: string;
}

export const REFUGE2: PaperData = { title: 'REFUGE2', layout: 'refuge2' };
export const CLINIC: PaperData = { title: 'CVC-ClinicDB', layout: 'cvc-clinicdb' };
export const HAM10000: PaperData = { title: 'HAM10000', layout: 'ham10000' };
export const BRAIN_MRI: PaperData = { title: 'Brain Tumor MRI', layout: 'brain-mri' };
export const COVID: PaperData = { title: 'COVID-19 Radiography', layout: 'covid-radiography' };
export const LC25000: PaperData = { title: 'LC25000', layout: 'lc25000' };

/** By the name of the measure, shares of 1. */
export type Figures = Readonly<Record<string, number>>;

const share = (percent: number): number => Number((percent / 100).toFixed(4));
const named = (names: readonly string[], values: readonly (number | null)[]): Figures =>
  Object.fromEntries(
    names.flatMap((name, index) => {
      const value = values[index];
      return value === null || value === undefined ? [] : [[name, share(value)]];
    }),
  );

/** mDSC and mIoU; null: not stated. */
export const overlap = (...values: [mdsc: number | null, miou: number | null]): Figures =>
  named(['mdsc', 'miou'], values);
export const accuracy = (value: number): Figures => named(['accuracy'], [value]);
export const byClass = (...values: [precision: number, recall: number, f1: number]): Figures =>
  named(['precision', 'recall', 'f1'], values);

/** Methods that the paper compares with, which are not systems of this project. */
export type Published = readonly (readonly [title: string, figures: Figures])[];

export const TABLE_1: Published = [
  ['ResUNet', overlap(92.9, 85.8)],
  ['BEAL', overlap(93.7, 86.1)],
  ['TransBTS', overlap(94.1, 87.2)],
  ['EnsemDiff', overlap(94.3, 87.8)],
  ['UltraUNet', overlap(91.5, 82.8)],
  ['FAT-Net', overlap(91.8, 84.8)],
  ['SegDiff', overlap(92.6, 85.2)],
  ['nnUNet', overlap(94.7, 87.3)],
  ['TransUNet', overlap(95.0, 87.7)],
  ['UNetr', overlap(94.9, 87.5)],
  ['Swin-UNetr', overlap(95.3, 87.9)],
];

export const TABLE_2: Published = [
  ['U-Net', overlap(82.3, 75.5)],
  ['U-Net++', overlap(79.4, 72.9)],
  ['SFA', overlap(70.0, 60.7)],
  ['MSEG', overlap(90.9, 86.4)],
  ['DCRNet', overlap(89.6, 84.4)],
  ['ACSNet', overlap(88.2, 82.6)],
  ['PraNet', overlap(89.9, 84.9)],
  ['EU-Net', overlap(90.2, 84.6)],
  ['SANet', overlap(91.6, 85.9)],
  ['Polyp-PVT', overlap(93.7, 88.9)],
  ['FCN-Hardnet85', overlap(92.0, 86.9)],
  ['3P-SEG', overlap(93.8, 89.0)],
];

export const TABLE_3: Published = [
  ['Double U-Net', overlap(84.3, 81.2)],
  ['U-Net', overlap(78.1, 77.4)],
  ['SegNet', overlap(81.6, 82.1)],
  ['Saha et al.', overlap(89.1, 81.9)],
  ['Abraham et al.', overlap(85.6, null)],
  ['Shahin et al.', overlap(90.3, 83.7)],
  ['Bissoto et al.', overlap(87.3, 79.2)],
  ['Ibtehaz et al.', overlap(null, 80.3)],
];

export const TABLE_6: Published = [
  ['CNN multi-scale (Nanfang Hospital, 3 classes)', accuracy(97.3)],
  ['CNN (REMBRANDT, 3 classes)', accuracy(96.1)],
  ['InceptionResNetV2 (SARTAJ, 3 classes)', accuracy(98.9)],
  ['CNN + SVM (Figshare, 3 classes)', accuracy(95.8)],
  ['Dense EfficientNet (Figshare, 3 classes)', accuracy(99.9)],
  ['LeNet-inspired (Figshare, Brainweb, Radiopaedia, 3 classes)', accuracy(88.0)],
  ['DeepTumorNet (Figshare, 3 classes)', accuracy(99.7)],
  ['hybrid MobileNetV2 (Figshare + BraTS 2018, 3 classes)', accuracy(98.9)],
  ['GoogLeNet (BR35H)', accuracy(99.1)],
  ['TumorResNet (BTD-MRI)', accuracy(99.3)],
  ['InceptionV3 (Brain Tumor MRI, 4 classes)', accuracy(97.1)],
];

export const TABLE_7: Published = [
  ['DenseNet201 (3,487 images, 3 classes)', accuracy(97.9)],
  ['ResNet101 (7,406 images, 2 classes)', accuracy(99.5)],
  ['Xception (6,432 images, 3 classes)', accuracy(98.0)],
  ['ChexNet (18,479 images, 3 classes)', accuracy(96.3)],
  ['SqueezeNet (458 images, 3 classes)', accuracy(99.3)],
  ['DarkCovidNet (1,125 images, 3 classes)', accuracy(98.1)],
  ['COVID-Net (13,975 images, 3 classes)', accuracy(93.3)],
  ['CoroNet (1,251 images, 4 classes)', accuracy(89.6)],
  ['multiscale CNN (9,000 images, 3 classes)', accuracy(97.2)],
  ['QuNet (450 images, 3 classes; since retracted)', accuracy(92.9)],
  ['modified MobileNetV2 (21,165 images, 4 classes)', accuracy(95.8)],
];

export const TABLE_8: Published = [
  ['ResNet50', accuracy(93.9)],
  ['ResNet18', accuracy(93.0)],
  ['ResNet34', accuracy(93.0)],
  ['ensemble', accuracy(91.0)],
  ['CNN-D', accuracy(94.6)],
  ['CNN', accuracy(97.2)],
  ['shallow CNN', accuracy(97.9)],
  ['CNN (another)', accuracy(96.3)],
  ['UKSSL', accuracy(98.9)],
];

/** A class as the paper calls it, and what the published data sets call it. */
export interface PaperClass {
  title: string;
  aliases: readonly string[];
  figures: Figures;
}

const ofClass = (title: string, aliases: readonly string[], figures: Figures): PaperClass => ({
  title,
  aliases,
  figures,
});

/** Table 5, by the title of the data set. */
export const TABLE_5: Readonly<Record<string, { accuracy: Figures; classes: readonly PaperClass[] }>> = {
  [BRAIN_MRI.title]: {
    accuracy: accuracy(98.2),
    classes: [
      ofClass('glioma', ['glioma_tumor'], byClass(97.7, 98.3, 98.0)),
      ofClass('meningioma', ['meningioma_tumor'], byClass(95.5, 97.4, 96.4)),
      ofClass('no tumor', ['notumor'], byClass(99.8, 99.8, 99.8)),
      ofClass('pituitary', ['pituitary_tumor'], byClass(99.3, 96.7, 98.0)),
    ],
  },
  [COVID.title]: {
    accuracy: accuracy(97.5),
    classes: [
      ofClass('COVID-19', ['COVID'], byClass(99.5, 94.0, 96.7)),
      ofClass('normal', [], byClass(95.2, 100, 97.6)),
      ofClass('lung opacity', [], byClass(96.6, 98.5, 97.5)),
      ofClass('viral pneumonia', [], byClass(99.0, 97.5, 98.2)),
    ],
  },
  [LC25000.title]: {
    accuracy: accuracy(97.7),
    classes: [
      ofClass('colon adenocarcinoma', ['colon_aca'], byClass(99.5, 100, 99.8)),
      ofClass('benign colon tissue', ['colon_n'], byClass(100, 99.5, 99.7)),
      ofClass('lung adenocarcinoma', ['lung_aca'], byClass(97.8, 91.0, 94.3)),
      ofClass('benign lung tissue', ['lung_n'], byClass(99.5, 100, 99.8)),
      ofClass('lung squamous cell carcinoma', ['lung_scc'], byClass(92.0, 98.0, 94.9)),
    ],
  },
};

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** The paper's figures of a class of one of its data sets, however the class is spelled; undefined for another class. */
export function classFigures(data: PaperData, name: string): Figures | undefined {
  const found = TABLE_5[data.title]?.classes.find(({ title, aliases }) =>
    [title, ...aliases].some((known) => plain(known) === plain(name)),
  );
  return found?.figures;
}
