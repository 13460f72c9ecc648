import { isForSegmentation, readClassificationFolder, readSegmentationFolder } from './data-folder';
import type { Layout } from './layout';

/** images/ + masks/, or one folder per class: what everything is taken for that no other layout recognises. */
export const plain: Layout = {
  name: 'plain',
  title: 'folders of images and masks, or one folder per class',
  tasks: ['segmentation', 'classification'],
  recognises: () => false,
  hasMasks: async ({ root }) => isForSegmentation(root),
  read: async ({ root }, { task, masks, groupColumn }) => {
    if (task === 'classification') return readClassificationFolder(root, { groupColumn });
    const [masksDir, ...furtherMasksDirs] = masks ?? [];
    return readSegmentationFolder(root, { masksDir, furtherMasksDirs, groupColumn });
  },
};
