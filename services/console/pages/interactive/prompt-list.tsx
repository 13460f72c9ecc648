import { Icon } from '../../../console-kit/parts/icon';
import { t } from '../../../console-kit/texts/en';
import type { Prompt } from './prompts';
import type { Session } from './session';

function nameOf(prompt: Prompt): string {
  const names = t.interactive.promptNames;
  if (prompt.kind === 'point') return names.point(prompt.positive);
  if (prompt.kind === 'scribble') return names.scribble(prompt.positive);
  return names[prompt.kind];
}

/** Every prompt, each of which can be taken away. */
export function PromptList({ session }: { session: Session }) {
  const { prompts } = session.work.value;
  return (
    <section>
      <div class="section-head">
        <h2>{t.interactive.list}</h2>
        {prompts.length > 0 ? (
          <button type="button" class="button quiet small" onClick={() => session.clearPrompts()}>
            {t.interactive.clear}
          </button>
        ) : null}
      </div>
      {prompts.length === 0 ? <p class="muted">{t.interactive.noPrompts}</p> : null}
      <ol class="rows">
        {prompts.map((prompt, index) => {
          const name = nameOf(prompt);
          return (
            <li key={index} class="list-row">
              <span class={`dot ${'positive' in prompt && !prompt.positive ? 'outside' : 'inside'}`} />
              <span class="grow">{name}</span>
              <button
                type="button"
                class="tool"
                aria-label={t.interactive.removePrompt(`${name} ${index + 1}`)}
                onClick={() => session.removePrompt(index)}
              >
                <Icon name="cross" />
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
