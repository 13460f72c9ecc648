export * from '../../native/lib/errors';
