"""Forks, pools, pipes, sockets and programs in child processes."""
import io
import multiprocessing
import os
import select
import socket
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

PARENT = os.getpid()


def square(n):
    return n * n


class Slow(io.RawIOBase):
    """In the process that made it, the first read waits for `go`."""

    def __init__(self):
        self.pid = os.getpid()
        self.reading = threading.Event()
        self.go = threading.Event()

    def readable(self):
        return True

    def readinto(self, buffer):
        if os.getpid() == self.pid:
            self.reading.set()
            self.go.wait()
        buffer[:3] = b"abc"
        return 3


def check_stream_of_gone_thread():
    """A stream that another thread reads at the moment of a fork can be read in the child."""
    raw = Slow()
    stream = io.BufferedReader(raw)
    reader = threading.Thread(target=stream.read, args=(1,))
    reader.start()
    raw.reading.wait()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if stream.read(3) == b"abc" else 1)
    raw.go.set()
    reader.join()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert stream.read(2) == b"bc"


def check_forks_beside_starting_threads():
    """The child can start threads, whatever the parent's were about."""
    end = threading.Event()

    def start_threads():
        while not end.is_set():
            threads = [threading.Thread(target=lambda: None) for _ in range(5)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    starter = threading.Thread(target=start_threads)
    starter.start()
    for _ in range(50):
        pid = os.fork()
        if pid == 0:
            thread = threading.Thread(target=lambda: None)
            thread.start()
            thread.join()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    end.set()
    starter.join()


def put(queue):
    queue.put((os.getpid() != PARENT, "x" * 100000))


def main():
    # That the process has threads is the point.
    warnings.simplefilter("ignore", DeprecationWarning)
    check_stream_of_gone_thread()
    check_forks_beside_starting_threads()
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7

    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=put, args=(queue,))
    child.start()
    assert queue.get(timeout=30) == (True, "x" * 100000)
    child.join()
    assert child.exitcode == 0
    with context.Pool(2) as pool:
        assert pool.map(square, range(10)) == [n * n for n in range(10)]
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(square, range(5))) == [0, 1, 4, 9, 16]
    with ProcessPoolExecutor(2, mp_context=context) as processes:
        assert list(processes.map(square, range(5))) == [0, 1, 4, 9, 16]

    done = subprocess.run([sys.executable, "-c", "print(input()); raise SystemExit(3)"], input=b"hello", capture_output=True)
    assert (done.stdout, done.returncode) == (b"hello\n", 3), done
    try:
        subprocess.run(["/no/such/program"])
    except FileNotFoundError as e:
        assert e.filename == "/no/such/program"
    else:
        raise AssertionError

    a, b = socket.socketpair()
    a.sendall(b"ping")
    assert select.select([b], [], [], 5)[0] == [b]
    assert b.recv(10) == b"ping"
    b.settimeout(0.01)
    try:
        b.recv(1)
    except TimeoutError:
        pass
    else:
        raise AssertionError
    a.close()
    b.close()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        peer, _ = server.accept()
        client.send(b"abc")
        assert peer.recv(3) == b"abc"
        peer.close()


if __name__ == "__main__":
    main()
