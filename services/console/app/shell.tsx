import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from '../../console-kit/parts/icon';
import { t } from '../../console-kit/texts/en';
import { path } from '../../console-kit/parts/router';
import { token } from '../../console-kit/api/session';
import { signOut } from './sign-out';
import { nextTheme, theme } from './theme';

interface NavItem {
  to: string;
  label: string;
  icon: IconName;
}

const GROUPS: readonly { label: string; items: readonly NavItem[] }[] = [
  {
    label: t.nav.look,
    items: [
      { to: '/try', label: t.nav.try, icon: 'sparkle' },
      { to: '/interactive', label: t.nav.interactive, icon: 'target' },
    ],
  },
  {
    label: t.nav.build,
    items: [
      { to: '/data', label: t.nav.data, icon: 'stack' },
      { to: '/review', label: t.nav.review, icon: 'check' },
      { to: '/jobs', label: t.nav.jobs, icon: 'pulse' },
      { to: '/models', label: t.nav.compare, icon: 'columns' },
    ],
  },
  {
    label: t.nav.run,
    items: [
      { to: '/deliveries', label: t.nav.deliveries, icon: 'inbox' },
      { to: '/operations', label: t.nav.operations, icon: 'gauge' },
    ],
  },
];

const THEME_ICONS = { system: 'auto', light: 'sun', dark: 'moon' } as const;

export function Shell({ children }: { children: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#content">
        {t.nav.skip}
      </a>
      <div class="shell">
        <aside class="rail">
          <a class="brand" href="/try">
            <img src="/icon.svg" alt="" width="26" height="26" />
            {t.name}
          </a>
          <nav aria-label={t.nav.label}>
            {GROUPS.map(({ label, items }) => (
              <div class="nav-group" key={label}>
                <p class="nav-label">{label}</p>
                {items.map((item) => (
                  <NavLink key={item.to} {...item} />
                ))}
              </div>
            ))}
          </nav>
          <div class="rail-foot">
            <button type="button" class="button quiet small" onClick={nextTheme}>
              <Icon name={THEME_ICONS[theme.value]} /> {t.theme[theme.value]}
            </button>
            {token.value === '' ? null : (
              <button type="button" class="button quiet small" onClick={() => void signOut()}>
                {t.signIn.out}
              </button>
            )}
            <p class="fine">{t.notice}</p>
          </div>
        </aside>
        <main id="content" tabIndex={-1}>
          {children}
        </main>
      </div>
    </>
  );
}

function NavLink({ to, label, icon }: NavItem) {
  const here = path.value === to || path.value.startsWith(`${to}/`) || (to === '/try' && path.value === '/');
  return (
    <a class="nav-link" href={to} {...(here ? { 'aria-current': 'page' as const } : {})}>
      <Icon name={icon} /> {label}
    </a>
  );
}
