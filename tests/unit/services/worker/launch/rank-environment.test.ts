import { AutomedError } from '../../../../../services/common/errors';
import { parseRankEnvironment, rankVariables } from '../../../../../services/worker/launch/rank-environment';

const PYTORCH = { RANK: '1', WORLD_SIZE: '4', MASTER_ADDR: 'node-0.train', MASTER_PORT: '2345', LOCAL_RANK: '1' };

function refusal(environment: Record<string, string>): AutomedError {
  try {
    parseRankEnvironment(environment);
  } catch (error) {
    if (error instanceof AutomedError) return error;
  }
  throw new Error('expected a refusal');
}

describe('the rank environment', () => {
  it("is read from PyTorch's variables", () => {
    expect(parseRankEnvironment(PYTORCH)).toEqual({
      rank: 1,
      worldSize: 4,
      localRank: 1,
      masterAddress: 'node-0.train',
      masterPort: 2345,
      rendezvousTimeoutMs: 600_000,
      collectiveTimeoutMs: 300_000,
    });
  });

  it("falls back to torchrun's variables, with PyTorch's port", () => {
    const place = parseRankEnvironment({ PET_NODE_RANK: '0', PET_NNODES: '2', PET_MASTER_ADDR: '10.0.0.7' });
    expect(place).toMatchObject({ rank: 0, worldSize: 2, localRank: 0, masterAddress: '10.0.0.7', masterPort: 29500 });
  });

  it("takes the rank from an Indexed Job's index, but not before the others", () => {
    const { RANK: _, ...rest } = PYTORCH;
    expect(parseRankEnvironment({ ...rest, JOB_COMPLETION_INDEX: '3' }).rank).toBe(3);
    expect(parseRankEnvironment({ ...rest, PET_NODE_RANK: '2', JOB_COMPLETION_INDEX: '3' }).rank).toBe(2);
    expect(parseRankEnvironment({ ...PYTORCH, JOB_COMPLETION_INDEX: '3' }).rank).toBe(1);
  });

  it('counts an empty variable as absent', () => {
    expect(parseRankEnvironment({ ...PYTORCH, RANK: '', PET_NODE_RANK: '2' }).rank).toBe(2);
  });

  it('names every variable at fault, those that would have done included', () => {
    const error = refusal({ RANK: 'first', PET_NNODES: '2:4', MASTER_PORT: '70000' });
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.field).toBe('RANK');
    expect(error.message).toContain('RANK must be a whole number, not "first"');
    expect(error.message).toContain('PET_NNODES must be a whole number, not "2:4"');
    expect(error.message).toContain('MASTER_PORT must lie in [1, 65535], not 70000');
    expect(error.message).toContain('MASTER_ADDR is missing, and so is PET_MASTER_ADDR');
    expect(refusal({}).message).toContain('RANK is missing, and so are PET_NODE_RANK and JOB_COMPLETION_INDEX');
  });

  it('refuses a rank outside the process group, and a master that is no host', () => {
    expect(refusal({ ...PYTORCH, RANK: '4' }).message).toContain('RANK must be below WORLD_SIZE');
    expect(refusal({ ...PYTORCH, MASTER_ADDR: 'http://node' }).field).toBe('MASTER_ADDR');
  });

  it('reads what the launchers write', () => {
    const place = { rank: 2, localRank: 0, worldSize: 3, masterAddress: '127.0.0.1', masterPort: 4000 };
    expect(parseRankEnvironment(rankVariables(place))).toMatchObject(place);
  });
});
