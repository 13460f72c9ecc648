import type { ComponentChildren } from 'preact';
import { sentence } from '../api/call';
import { t } from '../texts/en';

/** An error that people can act on. */
export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div class="notice problem" role="alert">
      <p>{sentence(error)}</p>
      {retry ? (
        <button type="button" class="button small" onClick={retry}>
          {t.retry}
        </button>
      ) : null}
    </div>
  );
}

export function Busy({ children }: { children: ComponentChildren }) {
  return (
    <div class="busy" role="status">
      <span class="spinner" aria-hidden="true" />
      {children}
    </div>
  );
}

export function Page(props: {
  title: string;
  lead?: string;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  const { title, lead, actions, children } = props;
  return (
    <div class="page">
      <header class="page-head">
        <div>
          <h1>{title}</h1>
          {lead ? <p class="lead">{lead}</p> : null}
        </div>
        <div class="row">{actions}</div>
      </header>
      {children}
    </div>
  );
}
