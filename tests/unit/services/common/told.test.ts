import { told } from '../../../../services/common/told';

async function collected<E, R>(stream: AsyncGenerator<E, R>): Promise<{ events: E[]; result: R }> {
  const events: E[] = [];
  for (;;) {
    const { value, done } = await stream.next();
    if (done) return { events, result: value };
    events.push(value);
  }
}

describe('told', () => {
  it('yields every event in order, those of before its first reader too, and returns the result', async () => {
    const stream = told<number, string>(async (tell) => {
      tell(1);
      await Promise.resolve();
      tell(2);
      tell(3);
      return 'done';
    });
    expect(await collected(stream)).toEqual({ events: [1, 2, 3], result: 'done' });
  });

  it('rejects as the work does, after what was told before that', async () => {
    const events: number[] = [];
    const stream = told<number, never>(async (tell) => {
      tell(1);
      await Promise.resolve();
      throw new Error('lost');
    });
    const read = async (): Promise<void> => {
      for await (const event of stream) events.push(event);
    };
    await expect(read()).rejects.toThrow('lost');
    expect(events).toEqual([1]);
  });
});
