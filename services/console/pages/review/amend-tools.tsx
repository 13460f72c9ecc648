import type { IconName } from '../../../console-kit/parts/icon';
import { ToolButton } from '../../../console-kit/parts/tool-button';
import { t } from '../../../console-kit/texts/en';
import type { AmendTool } from './amend-marker';
import type { Desk } from './desk';

export function AmendTools({ desk }: { desk: Desk }) {
  const { editor, marker, viewer } = desk;
  const tool = (name: AmendTool, icon: IconName, label: string) => (
    <ToolButton
      icon={icon}
      label={label}
      pressed={viewer.tool.value === 'mark' && marker.tool.value === name}
      disabled={(name === 'point' || name === 'box') && !desk.canPrompt}
      onClick={() => {
        marker.choose(name);
        viewer.tool.value = 'mark';
      }}
    />
  );
  return (
    <>
      <span class="toolbar-group">
        {tool('brush', 'brush', t.review.brush)}
        {tool('polygon', 'polygon', t.review.polygon)}
        {tool('point', 'point', t.review.point)}
        {tool('box', 'box', t.review.box)}
        <ToolButton
          icon="outside"
          label={t.review.erase}
          pressed={marker.erase.value}
          onClick={() => (marker.erase.value = !marker.erase.value)}
        />
      </span>
      <span class="toolbar-group">
        <ToolButton icon="undo" label={t.review.undo} disabled={!editor.canUndo.value} onClick={() => editor.undo()} />
        <ToolButton icon="redo" label={t.review.redo} disabled={!editor.canRedo.value} onClick={() => editor.redo()} />
        {editor.masks.value.length > 1 ? (
          <ToolButton icon="columns" label={t.review.nextStructure} onClick={() => editor.nextStructure()} />
        ) : null}
      </span>
    </>
  );
}
