import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Busy, Problem } from '../parts/notice';
import { t } from '../texts/en';
import { path } from '../parts/router';
import { signedOut } from '../api/session';
import { Shell } from './shell';
import { SignIn } from './sign-in';

interface PageProps {
  /** What follows the page's name in the path. */
  id: string;
}

/** Pages by the first part of the path; each is loaded when it is opened. */
const PAGES: Readonly<Record<string, () => Promise<ComponentType<PageProps>>>> = {
  interactive: async () => (await import('../pages/interactive/interactive')).InteractivePage,
  try: async () => (await import('../pages/try/try')).TryPage,
};

export function App() {
  if (signedOut.value) return <SignIn />;
  const [, name = '', id = ''] = path.value.split('/');
  return (
    <Shell>
      <LazyPage name={name in PAGES ? name : 'try'} id={id} />
    </Shell>
  );
}

function LazyPage({ name, id }: { name: string; id: string }) {
  const [loaded, setLoaded] = useState<{ name: string; Page: ComponentType<PageProps> }>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    setError(undefined);
    PAGES[name]?.().then((Page) => setLoaded({ name, Page }), setError);
  }, [name]);
  if (error !== undefined) return <Problem error={error} retry={() => location.reload()} />;
  if (loaded?.name !== name) return <Busy>{t.loading}</Busy>;
  return <loaded.Page id={id} />;
}
