import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Busy, Problem } from '../../console-kit/parts/notice';
import { t } from '../../console-kit/texts/en';
import { path } from '../../console-kit/parts/router';
import { signedOut } from '../../console-kit/api/session';
import { MissingPage } from './missing';
import { Shell } from './shell';
import { SignIn } from './sign-in';

interface PageProps {
  /** What follows the page's name in the path. */
  id: string;
}

/** Pages by the first part of the path; each is loaded when it is opened. */
const PAGES: Readonly<Record<string, () => Promise<ComponentType<PageProps>>>> = {
  data: async () => (await import('../pages/data/data')).DataPage,
  deliveries: async () => (await import('../pages/deliveries/deliveries')).DeliveriesPage,
  interactive: async () => (await import('../pages/interactive/interactive')).InteractivePage,
  jobs: async () => (await import('../pages/jobs/jobs')).JobsPage,
  models: async () => (await import('../pages/models/models')).ModelsPage,
  operations: async () => (await import('../pages/operations/operations')).OperationsPage,
  results: async () => (await import('../pages/results/results')).ResultPage,
  review: async () => (await import('../pages/review/review')).ReviewPage,
  try: async () => (await import('../pages/try/try')).TryPage,
};

const MISSING = 'missing';
const TITLES: Readonly<Record<string, string>> = { ...t.nav, models: t.nav.compare, [MISSING]: t.missing.title };

/** The page of an address: `/PAGE` or `/PAGE/ID`; the first one is that of the host alone. */
function pageOf(address: string): { name: string; id: string } {
  const [, first = '', id = '', ...rest] = address.split('/');
  if (first === '') return { name: 'try', id: '' };
  return { name: Object.hasOwn(PAGES, first) && rest.length === 0 ? first : MISSING, id };
}

export function App() {
  const { name, id } = pageOf(path.value);
  const title = signedOut.value ? t.signIn.title : TITLES[name];
  useEffect(() => {
    document.title = `${title} · ${t.name}`;
  }, [title]);
  if (signedOut.value) return <SignIn />;
  // Whoever follows a link to a result wants that and nothing else.
  if (name === 'results') return <BarePage id={id} />;
  return <Shell>{name === MISSING ? <MissingPage /> : <LazyPage name={name} id={id} />}</Shell>;
}

function BarePage({ id }: { id: string }) {
  return (
    <main id="content" tabIndex={-1} class="bare">
      <LazyPage name="results" id={id} />
    </main>
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
