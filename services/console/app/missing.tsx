import { Page } from '../../console-kit/parts/notice';
import { path } from '../../console-kit/parts/router';
import { t } from '../../console-kit/texts/en';

/** Where an address leads nowhere. */
export function MissingPage() {
  return (
    <Page title={t.missing.title} lead={t.missing.lead(path.value)}>
      <p>
        <a href="/try">{t.missing.home}</a>
      </p>
    </Page>
  );
}
