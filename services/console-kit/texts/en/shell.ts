// Around every page.

export const shell = {
  name: 'Automed',
  notice: 'Research use; not a medical device',
  loading: 'Loading…',
  retry: 'Try again',
  nav: {
    label: 'Pages',
    look: 'Look',
    build: 'Build',
    run: 'Run',
    try: 'Try',
    interactive: 'Interactive',
    jobs: 'Trainings',
    compare: 'Models',
    data: 'Data sets',
    review: 'Review',
    results: 'Result',
    deliveries: 'Deliveries',
    operations: 'Operations',
    skip: 'Skip to content',
  },
  missing: {
    title: 'There is no such page',
    lead: (address: string) =>
      `${address} is no address of this console. The link may be old, or a letter of it missing.`,
    home: 'Go to the first page',
  },
  theme: { system: 'Theme: system', light: 'Theme: light', dark: 'Theme: dark' },
  signIn: {
    title: 'Sign in',
    text: 'This server asks who calls. Paste an API key (automed keys create) or a token of your identity provider. It is kept for this tab only.',
    label: 'API key or token',
    button: 'Sign in',
    out: 'Sign out',
    refused: 'The server does not accept this key.',
  },
  errors: {
    unreachable: 'The server cannot be reached. Is automed serve still running? The page tries again when you do.',
    unknown: (status: number) => `The server answered with status ${status}. Its log says more.`,
    absent: 'This server does not offer that.',
  },
} as const;
