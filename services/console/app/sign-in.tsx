import { useState } from 'preact/hooks';
import { t } from '../../console-kit/texts/en';
import { signedOut, token } from '../../console-kit/api/session';

/** Asks for a key when a call was refused for want of one. */
export function SignIn() {
  const [text, setText] = useState('');
  return (
    <div class="sign-in">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          token.value = text.trim();
          signedOut.value = false;
        }}
      >
        <h1>{t.signIn.title}</h1>
        {token.value === '' ? null : (
          <p class="error-text" role="alert">
            {t.signIn.refused}
          </p>
        )}
        <p>{t.signIn.text}</p>
        <label class="field">
          <span>{t.signIn.label}</span>
          <input
            type="password"
            autocomplete="off"
            spellcheck={false}
            required
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button primary">
          {t.signIn.button}
        </button>
      </form>
    </div>
  );
}
