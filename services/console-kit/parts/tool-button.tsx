import { Icon, type IconName } from './icon';

export function ToolButton(props: {
  icon: IconName;
  label: string;
  pressed?: boolean;
  disabled?: boolean;
  onClick: () => void;
}) {
  const { icon, label, pressed, disabled = false, onClick } = props;
  return (
    <button
      type="button"
      class="tool"
      title={label}
      aria-label={label}
      {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
