import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { openExample, openHere } from './current-file';
import { t } from '../../console-kit/texts/en';
import { Icon } from '../../console-kit/parts/icon';

/** Takes files that are dropped on it, and those that are pasted anywhere on the page. */
export function DropTarget({ children }: { children: ComponentChildren }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const paste = (event: ClipboardEvent): void => {
      const file = event.clipboardData?.files[0];
      if (file) void openHere(file);
    };
    addEventListener('paste', paste);
    return () => removeEventListener('paste', paste);
  }, []);
  return (
    <div
      class={over ? 'drop-target over' : 'drop-target'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void openHere(event.dataTransfer?.files[0]);
      }}
    >
      {children}
    </div>
  );
}

export function ChooseFile({ label = t.files.choose, quiet = false }: { label?: string; quiet?: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        class="hidden"
        tabIndex={-1}
        aria-label={label}
        onChange={(event) => {
          void openHere(event.currentTarget.files?.[0]);
          event.currentTarget.value = '';
        }}
      />
      <button type="button" class={quiet ? 'button quiet' : 'button primary'} onClick={() => input.current?.click()}>
        <Icon name="upload" /> {label}
      </button>
    </>
  );
}

/** What a viewer without a picture offers. */
export function EmptyViewer() {
  return (
    <div class="empty">
      <Icon name="upload" />
      <h2>{t.files.drop}</h2>
      <p>{t.files.dropMore}</p>
      <div class="row">
        <ChooseFile />
        <button type="button" class="button" onClick={() => void openExample()}>
          {t.files.example}
        </button>
      </div>
    </div>
  );
}
