import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Bytes that go at full speed again: a handshake is over by then, and what follows is not its matter. */
const SLOW_BYTES = 2_000;

/** The socket as a stream whose first bytes are written at `bytesPerSecond`, in ten pieces a second. */
export function slowWriter(socket: Socket, bytesPerSecond: number): Duplex {
  let slowLeft = SLOW_BYTES;
  const piece = Math.max(1, Math.round(bytesPerSecond / 10));
  const writeOn = (bytes: Buffer, done: (error?: Error | null) => void): void => {
    if (socket.destroyed) {
      done();
      return;
    }
    if (slowLeft <= 0) {
      socket.write(bytes, done);
      return;
    }
    const part = bytes.subarray(0, piece);
    slowLeft -= part.length;
    socket.write(part);
    if (part.length === bytes.length) done();
    else setTimeout(() => writeOn(bytes.subarray(piece), done), 100);
  };
  const slow = new Duplex({
    read() {
      socket.resume();
    },
    write: (bytes: Buffer, _encoding, done) => writeOn(bytes, done),
    final(done) {
      socket.end();
      done();
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', bytes => {
    if (!slow.push(bytes)) socket.pause();
  });
  socket.on('end', () => slow.push(null));
  socket.on('close', () => slow.destroy());
  return slow;
}
