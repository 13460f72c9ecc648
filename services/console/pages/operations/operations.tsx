import { isAbsent } from '../../../console-kit/api/call';
import { hasEnded, listJobs } from '../../../console-kit/api/jobs';
import { listBases, listModels, reference } from '../../../console-kit/api/models';
import { pacsStatus, type PacsStatus } from '../../../console-kit/api/pacs';
import { getTraffic } from '../../../console-kit/api/traffic';
import type { Model } from '../../../console-kit/api/types';
import { Busy, Page, Problem } from '../../../console-kit/parts/notice';
import { StateChip } from '../../../console-kit/parts/state-chip';
import { Table, type Column } from '../../../console-kit/parts/table';
import { duration } from '../../../console-kit/parts/time';
import { usePolling } from '../../../console-kit/parts/use-polling';
import { workCounts } from '../../../console-kit/parts/work-counts';
import { t } from '../../../console-kit/texts/en';
import { TrafficSections } from './traffic';

const POLL_MS = 5_000;

/** What is in memory, what waits, which names lead where. */
export function OperationsPage() {
  return (
    <Page title={t.operations.title} lead={t.operations.lead}>
      <div class="columns">
        <Memory />
        <Queue />
        <Archive />
      </div>
      <Aliases />
      <Gateway />
    </Page>
  );
}

interface Held {
  name: string;
  bytes: number;
}

function Memory() {
  const { value, error, reload } = usePolling(async (signal): Promise<Held[]> => {
    const all = [...(await listBases({ signal })), ...(await listModels({ signal }))];
    return all
      .filter(({ loaded }) => loaded)
      .map((each) => ({ name: reference(each), bytes: Number(each.weightsBytes ?? 0) }));
  }, POLL_MS);
  const total = value?.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
  return (
    <section class="card stack">
      <h2>{t.operations.memory}</h2>
      {error === undefined ? null : <Problem error={error} retry={reload} />}
      {value ? <p class="big-number">{t.units.megabytes(total)}</p> : null}
      {value || error !== undefined ? null : <Busy>{t.loading}</Busy>}
      <ul class="rows">
        {value?.map(({ name, bytes }) => (
          <li class="list-row" key={name}>
            <span class="grow">{name}</span>
            <span class="number muted">{t.units.megabytes(bytes)}</span>
          </li>
        ))}
      </ul>
      {value?.length === 0 ? <p class="muted">{t.operations.nothingLoaded}</p> : null}
    </section>
  );
}

const waited = (since: string): string => t.operations.waited(duration((Date.now() - Date.parse(since)) / 1000));

function Queue() {
  const { value, error, reload } = usePolling((signal) => listJobs({ signal }), POLL_MS);
  const open = value?.filter(({ state }) => !hasEnded(state));
  return (
    <section class="card stack">
      <h2>{t.operations.queue}</h2>
      <Trouble error={error} retry={reload} absent={t.operations.noTraining} />
      {open ? <p class="big-number">{t.operations.open(open.length)}</p> : null}
      <ul class="rows">
        {open?.map(({ id, name, state, stateMessage = '', createTime, startTime }) => (
          <li class="list-row" key={id}>
            <a class="grow" href={`/jobs/${id}`}>
              {name}
            </a>
            <span class="fine">{startTime === undefined && createTime ? waited(createTime) : ''}</span>
            <span class="fine">{stateMessage}</span>
            <StateChip state={state} prefix="TRAINING_JOB_STATE_" />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Gateway() {
  const { value, error, reload } = usePolling((signal) => getTraffic({ signal }), POLL_MS);
  return (
    <>
      <Trouble error={error} retry={reload} />
      {value ? <TrafficSections traffic={value} /> : null}
    </>
  );
}

function Archive() {
  const { value: status, error, reload } = usePolling((signal) => pacsStatus({ signal }), POLL_MS);
  // Most servers have no bridge to an archive.
  if (isAbsent(error) || (!status && error === undefined)) return null;
  return (
    <section class="card stack">
      <h2>{t.operations.archive}</h2>
      <Trouble error={error} retry={reload} />
      {status ? <Bridge status={status} /> : null}
    </section>
  );
}

/** What went wrong; what the server does not have is no trouble. */
function Trouble({ error, retry, absent = '' }: { error: unknown; retry: () => void; absent?: string }) {
  if (error === undefined) return null;
  return isAbsent(error) ? <p class="muted">{absent}</p> : <Problem error={error} retry={retry} />;
}

function Bridge({ status }: { status: PacsStatus }) {
  const { dicomAddress, studyCount = '0', analyses = [], deliveries = [], awayDestinations = [] } = status;
  return (
    <>
      <p class="big-number">{t.operations.studies(Number(studyCount))}</p>
      <p class="muted">{dicomAddress}</p>
      {analyses.length === 0 ? null : (
        <p>
          {t.operations.analyses} {workCounts(analyses)}
        </p>
      )}
      {deliveries.length === 0 ? null : (
        <p>
          {t.operations.deliveries} {workCounts(deliveries)}
        </p>
      )}
      {status.hasRoom === true ? null : <p class="bad">{t.operations.noRoom}</p>}
      {awayDestinations.length > 0 ? <p class="bad">{t.operations.away(awayDestinations.join(', '))}</p> : null}
      {status.oldestWaitSeconds === undefined ? null : (
        <p class="muted">{t.operations.oldest(duration(status.oldestWaitSeconds))}</p>
      )}
    </>
  );
}

interface Alias {
  name: string;
  model: Model;
}

function Aliases() {
  const { value: models, error, reload } = usePolling((signal) => listModels({ signal }), POLL_MS);
  const rows = (models ?? []).flatMap((model) =>
    (model.aliases ?? []).map((alias) => ({ name: `${model.name}@${alias}`, model })),
  );
  return (
    <section class="stack">
      <h2>{t.operations.aliases}</h2>
      <Trouble error={error} retry={reload} />
      {models ? (
        <Table
          caption={t.operations.aliases}
          columns={ALIAS_COLUMNS}
          rows={rows}
          keyOf={({ name }) => name}
          empty={<p>{t.operations.noAliases}</p>}
        />
      ) : null}
    </section>
  );
}

const ALIAS_COLUMNS: readonly Column<Alias>[] = [
  { title: t.operations.alias, cell: ({ name }) => name },
  {
    title: t.operations.leadsTo,
    cell: ({ model }) => <a href={`/models/${reference(model)}`}>{reference(model)}</a>,
  },
];
