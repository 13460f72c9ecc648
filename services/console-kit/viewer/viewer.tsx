// The canvas with its toolbar and the line that says what is under the cursor.

import { useEffect, useRef } from 'preact/hooks';
import { effect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { t } from '../texts/en';
import { onViewerKey } from './keys';
import { followPointers } from './pointer';
import { Renderer } from './renderer';
import type { ViewerState } from './state';
import { Readout } from './readout';
import { Toolbar } from './toolbar';

interface ViewerProps {
  state: ViewerState;
  /** Beside the viewer's own tools. */
  tools?: ComponentChildren;
  /** Shown where there is no picture. */
  empty?: ComponentChildren;
  /** Keys beside the viewer's own; true: meant something. */
  onKey?: (event: KeyboardEvent) => boolean;
}

export function Viewer({ state, tools, empty, onKey }: ViewerProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => (canvas.current ? attach(canvas.current, state) : undefined), [state]);
  const hasPicture = state.picture.value !== undefined;
  return (
    <div class="viewer">
      <Toolbar state={state}>{tools}</Toolbar>
      <div class="viewer-stage">
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={hasPicture ? t.viewer.canvas : t.viewer.noPicture}
          data-tool={state.tool.value}
          onKeyDown={(event) => {
            if (onKey?.(event) !== true) onViewerKey(event, state);
          }}
        />
        {hasPicture ? null : <div class="viewer-empty">{empty}</div>}
      </div>
      <Readout state={state} />
    </div>
  );
}

/** Draws at most once a frame. */
function attach(canvas: HTMLCanvasElement, state: ViewerState): () => void {
  const renderer = new Renderer(canvas);
  let wanted = 0;
  const draw = (): void => {
    wanted = 0;
    const picture = state.picture.peek();
    if (!picture) return canvas.getContext('2d')?.reset();
    const { window, negative, view, layers, opacity, outlines, overlay } = state;
    renderer.draw(
      {
        picture,
        window: window.peek(),
        negative: negative.peek(),
        view: view.peek(),
        layers: layers.peek(),
        opacity: opacity.peek(),
        outlines: outlines.peek(),
      },
      overlay.peek(),
    );
    canvas.dataset['drawn'] = String(Number(canvas.dataset['drawn'] ?? 0) + 1);
  };
  const stopDrawing = effect(() => {
    for (const each of [state.picture, state.window, state.negative, state.view, state.layers, state.opacity])
      void each.value;
    void [state.outlines.value, state.overlay.value, state.size.value];
    if (wanted === 0) wanted = requestAnimationFrame(draw);
  });
  const observer = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = canvas;
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    state.resized({ width, height });
  });
  observer.observe(canvas);
  const stopPointers = followPointers(canvas, state);
  return () => {
    stopDrawing();
    stopPointers();
    observer.disconnect();
    cancelAnimationFrame(wanted);
  };
}
