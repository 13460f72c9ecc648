import { status as Code } from '@grpc/grpc-js';
import { Ejection } from '../../../../../services/gateway/domain/ejection';
import { noteEnd } from '../../../../../services/gateway/handlers/routing';

test('a deadline or a caller that goes neither counts against a backend nor speaks for it', () => {
  const ejection = new Ejection(() => 0);
  for (let at = 0; at < 4; at += 1) noteEnd(ejection, 'a', Code.UNAVAILABLE);
  noteEnd(ejection, 'a', Code.DEADLINE_EXCEEDED);
  noteEnd(ejection, 'a', Code.CANCELLED);
  expect(ejection.isAside('a')).toBe(false);
  noteEnd(ejection, 'a', Code.UNAVAILABLE);
  expect(ejection.isAside('a')).toBe(true);
});
