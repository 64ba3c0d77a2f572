"""A signal handler runs as soon as a write that the signal cut short has returned, not when the next one has."""
import os
import signal
import threading


class Interrupted(Exception):
    pass


def raise_interrupted(number, frame):
    raise Interrupted


BIG = b"x" * (1 << 22)


def through_stream(descriptor):
    with open(descriptor, "wb", closefd=False) as stream:
        try:
            stream.write(BIG)
        finally:
            # Nobody will take what is left.
            os.set_blocking(descriptor, False)
            try:
                stream.close()
            except BlockingIOError:
                pass


def piece_by_piece(descriptor):
    left = BIG
    while left:
        left = left[os.write(descriptor, left):]


def check(write):
    receiver, sender = os.pipe()
    # The pipe is full, but for what this reads; so the write that the signal meets has written something.
    reader = threading.Thread(target=os.read, args=(receiver, 1))
    reader.start()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        write(sender)
    except Interrupted:
        pass
    else:
        raise AssertionError("not interrupted")
    finally:
        reader.join()
        os.close(receiver)
        os.close(sender)


signal.signal(signal.SIGALRM, raise_interrupted)
for _ in range(3):
    check(through_stream)
    check(piece_by_piece)
