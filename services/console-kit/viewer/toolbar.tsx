import type { ComponentChildren } from 'preact';
import type { IconName } from '../parts/icon';
import { ToolButton } from '../parts/tool-button';
import { t } from '../texts/en';
import { Cine } from './cine';
import type { ViewerState, Tool } from './state';

export function Toolbar({ state, children }: { state: ViewerState; children?: ComponentChildren }) {
  const off = state.picture.value === undefined;
  const pick = (tool: Tool, icon: IconName, label: string) => (
    <ToolButton
      icon={icon}
      label={label}
      pressed={state.tool.value === tool}
      disabled={off}
      onClick={() => (state.tool.value = tool)}
    />
  );
  return (
    <div class="toolbar" role="toolbar" aria-label={t.viewer.tools}>
      {children}
      <span class="toolbar-group">
        {pick('window', 'contrast', t.viewer.window)}
        {pick('pan', 'hand', t.viewer.pan)}
      </span>
      <span class="toolbar-group">
        <ToolButton icon="minus" label={t.viewer.zoomOut} disabled={off} onClick={() => state.zoomBy(1 / 1.25)} />
        <ToolButton icon="plus" label={t.viewer.zoomIn} disabled={off} onClick={() => state.zoomBy(1.25)} />
        <ToolButton icon="fit" label={t.viewer.fit} disabled={off} onClick={() => state.fit()} />
        <ToolButton
          icon="invert"
          label={t.viewer.invert}
          pressed={state.negative.value}
          disabled={off}
          onClick={() => (state.negative.value = !state.negative.value)}
        />
      </span>
      <Presets state={state} />
      <Cine state={state} />
    </div>
  );
}

function Presets({ state }: { state: ViewerState }) {
  const presets = state.picture.value?.presets ?? [];
  if (presets.length < 2) return null;
  const current = presets.findIndex((each) => each === state.window.value);
  return (
    <select
      class="compact"
      aria-label={t.viewer.presets}
      value={String(current)}
      onChange={(event) => {
        const preset = presets[Number(event.currentTarget.value)];
        if (preset) state.window.value = preset;
      }}
    >
      {current < 0 ? <option value="-1">{t.viewer.ownWindow}</option> : null}
      {presets.map(({ name }, index) => (
        <option key={name} value={String(index)}>
          {name}
        </option>
      ))}
    </select>
  );
}
