import { connect } from 'node:net';
import { KeptService } from '../../../services/stack/kept-service';
import { ServiceProcess, type Program } from '../../../services/stack/service-process';

const FAKE: Program = { name: 'fake', file: '../tests/integration/cli/fake-service.mjs', needsAddon: false };

function start(mode: string, address = '127.0.0.1:0', startTimeoutMs = 60_000): Promise<ServiceProcess> {
  return ServiceProcess.start(FAKE, { settings: { FAKE_MODE: mode, AUTOMED_ADDRESS: address }, startTimeoutMs });
}

/** The process id that answers at an address. */
function ask(address: string): Promise<string> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve, reject) => {
    let text = '';
    connect(Number(port), host)
      .on('data', (chunk) => (text += chunk.toString()))
      .on('end', () => resolve(text))
      .on('error', reject);
  });
}

describe('ServiceProcess', () => {
  it('resolves when the program listens, and stops it', async () => {
    const service = await start('ok');
    expect(await ask(service.address)).toBe(String(service.pid));
    expect(await service.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('says in one line why a program that crashed did not start', async () => {
    await expect(start('crash')).rejects.toThrow(
      'the fake did not start: it ended with code 1: Error: the moon is full',
    );
  });

  it('says what a program logged before it ended', async () => {
    await expect(start('logged')).rejects.toThrow('cannot start: the port is taken');
  });

  it('gives up on a program that never listens, and leaves no process behind', async () => {
    await expect(start('silent', '127.0.0.1:0', 300)).rejects.toThrow('did not start within 300 ms');
  });

  it('kills a program that does not stop when asked', async () => {
    const service = await start('stubborn');
    expect(await service.stop(50)).toMatchObject({ signal: 'SIGKILL' });
  });

  it('says how to build a program that is not there', async () => {
    const program = { name: 'ghost', file: 'services/ghost/main.js', needsAddon: false };
    await expect(ServiceProcess.start(program, { settings: {}, startTimeoutMs: 1000 })).rejects.toThrow(
      /dist\/services\/ghost\/main\.js is not built yet; run `npm run build`/,
    );
  });
});

describe('KeptService', () => {
  const backoff = { firstMs: 1, longestMs: 5, stableMs: 60_000 };

  it('starts a service that died again, on the same address, and says so', async () => {
    const said: string[] = [];
    let again: () => void = () => undefined;
    const relaunched = new Promise<void>((resolve) => (again = resolve));
    let launches = 0;
    const launch = async (address: string): Promise<ServiceProcess> => {
      const service = await start('ok', address);
      launches += 1;
      if (launches === 2) again();
      return service;
    };
    const kept = await KeptService.start(launch, '127.0.0.1:0', (line) => said.push(line), backoff);
    const first = await ask(kept.address);
    process.kill(Number(first), 'SIGKILL');
    await relaunched;
    expect(await ask(kept.address)).not.toBe(first);
    expect(said).toEqual(['the fake was killed by SIGKILL; starting it again']);
    await kept.stop();
    await expect(ask(kept.address)).rejects.toThrow('ECONNREFUSED');
  });

  it('keeps trying while a service does not start, until it is stopped', async () => {
    let failures = 0;
    let enough: () => void = () => undefined;
    const tried = new Promise<void>((resolve) => (enough = resolve));
    const launch = async (address: string): Promise<ServiceProcess> => {
      if (failures > 0 || address !== '127.0.0.1:0') {
        failures += 1;
        if (failures === 3) enough();
        throw new Error('no luck');
      }
      return start('ok', address);
    };
    const said: string[] = [];
    const kept = await KeptService.start(launch, '127.0.0.1:0', (line) => said.push(line), backoff);
    process.kill(Number(await ask(kept.address)), 'SIGKILL');
    await tried;
    await kept.stop();
    expect(said.slice(1, 3)).toEqual(['no luck', 'no luck']);
  });

  it('rejects when the first start fails', async () => {
    await expect(
      KeptService.start(
        (address) => start('crash', address),
        '127.0.0.1:0',
        () => undefined,
        backoff,
      ),
    ).rejects.toThrow('the moon is full');
  });
});
