import { useEffect, useState } from 'preact/hooks';
import { currentFile, fileError, showCurrentFile } from '../../workspace/current-file';
import { ChooseFile, DropTarget, EmptyViewer } from '../../workspace/drop-target';
import { Problem } from '../../../console-kit/parts/notice';
import { t } from '../../../console-kit/texts/en';
import { Viewer } from '../../../console-kit/viewer/viewer';
import { ViewerState } from '../../../console-kit/viewer/state';
import { ModelPicker } from './model-picker';
import { Results } from './results';
import { useAnalysis } from './use-analysis';
import { useProbabilities } from './use-probabilities';
import { useSaliency } from './use-saliency';

const state = new ViewerState();

export function TryPage() {
  const [models, setModels] = useState<readonly string[]>([]);
  useEffect(() => showCurrentFile(state), []);
  const file = currentFile.value;
  const analysis = useAnalysis(state, models);
  const saliency = useSaliency(state, models);
  useProbabilities(state, analysis.findings);
  return (
    <DropTarget>
      <div class="workbench">
        <h1 class="visually-hidden">{t.try.title}</h1>
        <Viewer state={state} empty={<EmptyViewer />} />
        <div class="panel">
          {fileError.value === '' ? null : <Problem error={fileError.value} />}
          {file ? (
            <section class="file-line">
              <span class="file-name" title={file.name}>
                {file.name}
              </span>
              <ChooseFile label={t.files.another} quiet />
            </section>
          ) : (
            <p class="lead">{t.try.lead}</p>
          )}
          <ModelPicker chosen={models} onChange={setModels} />
          {file ? <Results state={state} analysis={analysis} saliency={saliency} /> : null}
        </div>
      </div>
    </DropTarget>
  );
}
