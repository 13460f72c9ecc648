import { useEffect, useLayoutEffect } from 'preact/hooks';
import { effect } from '@preact/signals';
import { ChooseFile, DropTarget, EmptyViewer } from '../../workspace/drop-target';
import { currentFile, fileError, showCurrentFile } from '../../workspace/current-file';
import { imageOf } from '../../workspace/image-of';
import { Problem } from '../../../console-kit/parts/notice';
import { t } from '../../../console-kit/texts/en';
import { Viewer } from '../../../console-kit/viewer/viewer';
import { ViewerState } from '../../../console-kit/viewer/state';
import { BasePicker, chosenBase } from './base-picker';
import { drawCrosshair, drawPrompts } from './draw-prompts';
import { onPromptKey } from './keys';
import { layersOf } from './layers';
import { PromptMarker } from './markers';
import { MaskPanel } from './mask-panel';
import { ObjectList } from './object-list';
import { PromptList } from './prompt-list';
import { PromptTools } from './prompt-tools';
import { Session } from './session';

const state = new ViewerState();
const session = new Session();
const marker = new PromptMarker(session);
state.marker = marker;
state.tool.value = 'mark';

effect(() => {
  state.layers.value = layersOf(session);
});
effect(() => {
  const draft = marker.draft.value;
  const crosshair = marker.crosshair.value;
  const overlays = [
    drawPrompts([...session.work.value.prompts, ...(draft ? [draft] : [])]),
    ...(crosshair ? [drawCrosshair(crosshair)] : []),
  ];
  state.overlay.value = (context, px) => overlays.forEach((draw) => draw(context, px));
});

export function InteractivePage() {
  useEffect(() => showCurrentFile(state), []);
  const [file, base] = [currentFile.value, chosenBase.value];
  const [frame, picture] = [state.frame.value, state.picture.value];
  // Before the picture is painted, so that it never carries the masks of another one.
  useLayoutEffect(() => {
    if (file && picture && base !== '') session.open(`${file.id}/${frame}`, base, picture, () => imageOf(file, frame));
  }, [file, base, picture]);
  const { error } = session;
  return (
    <DropTarget>
      <div class="workbench">
        <h1 class="visually-hidden">{t.interactive.title}</h1>
        <Viewer
          state={state}
          tools={<PromptTools state={state} marker={marker} session={session} />}
          empty={<EmptyViewer />}
          onKey={(event) => onPromptKey(event, state, marker, session)}
        />
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
            <p class="lead">{t.interactive.lead}</p>
          )}
          <BasePicker />
          {error.value === undefined ? null : <Problem error={error.value} retry={() => session.retry()} />}
          {file ? (
            <>
              <PromptList session={session} />
              <MaskPanel session={session} />
              <ObjectList session={session} />
            </>
          ) : null}
        </div>
      </div>
    </DropTarget>
  );
}
