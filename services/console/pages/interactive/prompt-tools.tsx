import { ToolButton } from '../../../console-kit/parts/tool-button';
import type { IconName } from '../../../console-kit/parts/icon';
import { t } from '../../../console-kit/texts/en';
import type { ViewerState } from '../../../console-kit/viewer/state';
import type { PromptMarker, PromptTool } from './markers';
import type { Session } from './session';

export function PromptTools(props: { state: ViewerState; marker: PromptMarker; session: Session }) {
  const { state, marker, session } = props;
  const off = state.picture.value === undefined;
  const { past, future } = session.history.value;
  const tool = (name: PromptTool, icon: IconName, label: string) => (
    <ToolButton
      icon={icon}
      label={label}
      pressed={state.tool.value === 'mark' && marker.tool.value === name}
      disabled={off}
      onClick={() => {
        marker.tool.value = name;
        state.tool.value = 'mark';
      }}
    />
  );
  return (
    <>
      <span class="toolbar-group">
        {tool('point', 'point', t.interactive.point)}
        {tool('box', 'box', t.interactive.box)}
        {tool('scribble', 'brush', t.interactive.scribble)}
        <ToolButton
          icon="outside"
          label={t.interactive.outside}
          pressed={marker.negative.value}
          disabled={off}
          onClick={() => (marker.negative.value = !marker.negative.value)}
        />
      </span>
      <span class="toolbar-group">
        <ToolButton
          icon="undo"
          label={t.interactive.undo}
          disabled={past.length === 0}
          onClick={() => session.undo()}
        />
        <ToolButton
          icon="redo"
          label={t.interactive.redo}
          disabled={future.length === 0}
          onClick={() => session.redo()}
        />
      </span>
    </>
  );
}
